//! Saying whether one comes.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::{GroupEventId, UserId};

use super::{
    change,
    event::{Counts, Rsvp},
    events,
    queries::attendees,
};
use crate::app::{App, error::Error};

/// What a member has answered, and how many come now.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answered {
    status: Rsvp,
    #[serde(flatten)]
    counts: Counts,
}

/// Keeps a member's answer, in place of an earlier one.
///
/// # Errors
///
/// `not_found` where it is no event of a group of the caller's, `event_cancelled`.
pub(super) async fn answer(
    app: &App,
    member: UserId,
    event: GroupEventId,
    status: Rsvp,
) -> Result<Answered, Error> {
    let mut tx = app.begin().await?;
    let held = attendees::hold_event(&tx, event, member).await?;
    if held.is_cancelled {
        return Err(change::cancelled());
    }
    let whose = (event, held.group, member);
    let is_new = attendees::set_rsvp(&tx, whose, status, app.now()).await?;
    let counts = attendees::count_rsvps(&tx, event).await?;
    if is_new {
        let which = (event, held.group);
        events::event_rsvp(&mut tx, member, which, status)?;
        events::event_attendance(&mut tx, which, &counts)?;
        tx.commit().await?;
    }
    Ok(Answered { status, counts })
}
