//! Marking as read, one or all: for routes and socket commands alike.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::{NotificationId, UserId};

use super::{
    events::{self, MarkedRead},
    queries,
};
use crate::app::{App, error::Error};

/// One notification is read now.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OneRead {
    notification_id: NotificationId,
    is_read: bool,
}

/// Marks one. The other devices hear of it, unless it was read before.
pub(super) async fn mark_read(
    app: &App,
    user: UserId,
    notification_id: NotificationId,
) -> Result<OneRead, Error> {
    let mut tx = app.begin().await?;
    let marked = queries::mark_read(&tx, user, notification_id, app.now()).await?;
    if let Some(was_counted) = marked.ok_or_else(|| Error::not_found("notification"))? {
        let read = MarkedRead::One {
            notification_id,
            is_settled: false,
            was_read: !was_counted,
        };
        events::marked_read(&mut tx, user, &read)?;
        tx.commit().await?;
    }
    Ok(OneRead {
        notification_id,
        is_read: true,
    })
}

/// All notifications are read now.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AllRead {
    /// How many were not before.
    marked: u64,
}

/// Marks all of a user.
pub(super) async fn mark_all_read(app: &App, user: UserId) -> Result<AllRead, Error> {
    let mut tx = app.begin().await?;
    // A notification that is being written would stay unread, and yet come before this event: clients would count it in.
    queries::lock_recipient(&tx, user).await?;
    let marked = queries::mark_all_read(&tx, user, app.now()).await?;
    if marked > 0 {
        events::marked_read(&mut tx, user, &MarkedRead::All { all: true })?;
        tx.commit().await?;
    }
    Ok(AllRead { marked })
}
