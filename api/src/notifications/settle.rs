//! The end of what a notification is about: it is read, and asks nothing any more.

use shared::ids::{NotificationId, UserId};

use super::{
    events::{self, MarkedRead},
    queries,
};
use crate::app::{db::Tx, error::Error};

/// Settles what `to` was told of this type about this thing: the request was answered or taken back, by whatever way, or
/// what it points at was seen. Their devices hear of it.
pub async fn settle(tx: &mut Tx, to: UserId, kind: &str, related_id: i64) -> Result<(), Error> {
    let settled = queries::settle_subject(tx, to, kind, related_id, tx.now()).await?;
    for notification in settled {
        tell(tx, to, notification)?;
    }
    Ok(())
}

/// Settles one, unless that was done before.
pub(super) async fn settle_one(
    tx: &mut Tx,
    to: UserId,
    notification: NotificationId,
) -> Result<(), Error> {
    if queries::settle_one(tx, notification, tx.now()).await? {
        tell(tx, to, notification)?;
    }
    Ok(())
}

fn tell(tx: &mut Tx, to: UserId, notification_id: NotificationId) -> Result<(), Error> {
    let read = MarkedRead::One {
        notification_id,
        is_settled: true,
    };
    events::marked_read(tx, to, &read)
}
