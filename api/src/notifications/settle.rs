//! The end of what a notification is about: it is read, and asks nothing any more.

use shared::ids::{NotificationId, UserId};

use super::{
    events::{self, MarkedRead},
    queries::{self, Settled},
};
use crate::app::{db::Tx, error::Error};

/// Settles what `to` was told of this type about this thing: the request was answered or taken back, by whatever way, or
/// what it points at was seen. Their devices hear of it.
pub async fn settle(tx: &mut Tx, to: UserId, kind: &str, related_id: i64) -> Result<(), Error> {
    settle_all(tx, to, kind, &[related_id]).await
}

/// As [`settle`], about several things at once.
pub async fn settle_all(
    tx: &mut Tx,
    to: UserId,
    kind: &str,
    related_ids: &[i64],
) -> Result<(), Error> {
    let settled = queries::settle_subjects(tx, to, (kind, related_ids), tx.now()).await?;
    tell(tx, settled)
}

/// Settles what anybody was told of this type about this thing as the act of `actor`: what was asked of several people, of
/// whom one has answered.
pub async fn settle_for_everybody(
    tx: &mut Tx,
    actor: UserId,
    kind: &str,
    related_id: i64,
) -> Result<(), Error> {
    let settled = queries::settle_asked_by(tx, actor, (kind, related_id), tx.now()).await?;
    tell(tx, settled)
}

/// Settles one, unless that was done before.
pub(super) async fn settle_one(tx: &mut Tx, id: NotificationId) -> Result<(), Error> {
    let settled = queries::settle_one(tx, id, tx.now()).await?;
    tell(tx, settled)
}

fn tell(tx: &mut Tx, settled: impl IntoIterator<Item = Settled>) -> Result<(), Error> {
    for Settled {
        id,
        recipient,
        was_counted,
    } in settled
    {
        let read = MarkedRead::One {
            notification_id: id,
            is_settled: true,
            was_read: !was_counted,
        };
        events::marked_read(tx, recipient, &read)?;
    }
    Ok(())
}
