//! Making an event, changing it, cancelling it.

use shared::{
    ids::{GroupEventId, GroupId, UserId},
    wire::Code,
};

use super::{
    event::EventView,
    events,
    notices::{self, Kind, announce},
    queries::events::{self as queries, EventChange, LockedEvent, NewEvent},
};
use crate::{
    app::{App, db::Tx, error::Error, http::json::Change, time::Time},
    groups,
};

/// Makes an event; the group hears of it, and its members are told.
pub(super) async fn create(
    app: &App,
    creator: UserId,
    group: GroupId,
    event: &NewEvent,
) -> Result<EventView, Error> {
    check_times(app.now(), event.starts_at, event.ends_at)?;
    let mut tx = app.begin().await?;
    groups::require_chat(&tx, group, creator).await?;
    let times = (notices::remind_at(app, event.starts_at), app.now());
    let id = queries::insert_event(&tx, (group, creator), event, times).await?;
    let view = queries::find_event(&tx, creator, id).await?;
    events::event_created(&mut tx, creator, &view.facts)?;
    groups::group_content_update(&mut tx, creator, group, "event")?;
    announce(&tx, id, Kind::Created, creator).await?;
    tx.commit().await?;
    Ok(view)
}

/// Changes it; those who come are told where it is at another time or place.
pub(super) async fn update(
    app: &App,
    caller: UserId,
    id: GroupEventId,
    change: &EventChange,
) -> Result<EventView, Error> {
    let mut tx = app.begin().await?;
    let before = lock(&tx, caller, id).await?;
    if before.is_cancelled {
        return Err(cancelled());
    }
    let is_moved = change
        .starts_at
        .is_some_and(|time| time != before.starts_at);
    check_change(app.now(), &before, change)?;
    let reminder = match change.starts_at {
        Some(starts_at) if is_moved => Change::Set(notices::remind_at(app, starts_at)),
        _ => Change::Keep,
    };
    let facts = queries::update_event(&tx, id, change, (&reminder, app.now())).await?;
    events::event_updated(&mut tx, caller, &facts)?;
    if is_moved || facts.place != before.place {
        announce(&tx, id, Kind::Changed, caller).await?;
    }
    let view = queries::find_event(&tx, caller, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Cancels it; those who would come are told. Once more changes nothing.
pub(super) async fn cancel(app: &App, caller: UserId, id: GroupEventId) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    if lock(&tx, caller, id).await?.is_cancelled {
        return Ok(());
    }
    let facts = queries::cancel_event(&tx, id, app.now()).await?;
    events::event_cancelled(&mut tx, caller, &facts)?;
    announce(&tx, id, Kind::Cancelled, caller).await?;
    tx.commit().await
}

/// The event, for whoever may change it.
async fn lock(tx: &Tx, caller: UserId, id: GroupEventId) -> Result<LockedEvent, Error> {
    let event = queries::lock_event(tx, id, caller).await?;
    if event.may_change {
        Ok(event)
    } else {
        let detail = "only whoever made the event and the group's admins may do this";
        Err(Error::forbidden(detail))
    }
}

pub(super) fn cancelled() -> Error {
    Error::new(Code::EventCancelled, "the event was cancelled")
}

/// What stays as it was may lie in the past.
fn check_change(now: Time, before: &LockedEvent, change: &EventChange) -> Result<(), Error> {
    let starts_at = change.starts_at.unwrap_or(before.starts_at);
    let ends_at = match change.ends_at {
        Change::Keep => before.ends_at,
        Change::Set(ends_at) => ends_at,
    };
    if starts_at != before.starts_at {
        return check_times(now, starts_at, ends_at);
    }
    check_end(starts_at, ends_at)
}

fn check_times(now: Time, starts_at: Time, ends_at: Option<Time>) -> Result<(), Error> {
    if starts_at <= now {
        return Err(Error::field("starts_at", "in_the_past", "must lie ahead"));
    }
    check_end(starts_at, ends_at)
}

fn check_end(starts_at: Time, ends_at: Option<Time>) -> Result<(), Error> {
    match ends_at {
        Some(ends_at) if ends_at <= starts_at => Err(Error::field(
            "ends_at",
            "before_start",
            "must be after starts_at",
        )),
        _ => Ok(()),
    }
}
