//! What notifications ask, until they ask it no more.

use serde_json::Value;
use shared::ids::{NotificationId, UserId};

use crate::app::{
    db::{Connection, FromRow, InvalidRow, Parameters, Row},
    error::Error,
    time::Time,
};

/// Ends what the notifications `asked` ask, at the time that the parameter gives.
macro_rules! settle_asked {
    ($now:literal) => {
        concat!(
            "
update notifications
set read_at = coalesce(read_at, ",
            $now,
            "), data = data - 'actions'
from asked
where notifications.id = asked.id
returning notifications.id, user_id, was_counted"
        )
    };
}

pub(super) const SETTLE_SUBJECTS: &str = concat!(
    "
with asked as (
    select id, read_at is null and not is_filtered as was_counted
    from notifications
    where user_id = $1 and kind = $2 and related_id = any($3) and (read_at is null or data ? 'actions')
    for update
)",
    settle_asked!("$4")
);

/// A notification that asks nothing any more.
#[derive(Debug)]
pub(in crate::notifications) struct Settled {
    pub(in crate::notifications) id: NotificationId,
    pub(in crate::notifications) recipient: UserId,
    /// It was unread, and not kept aside.
    pub(in crate::notifications) was_counted: bool,
}

impl FromRow for Settled {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            recipient: row.get("user_id")?,
            was_counted: row.get("was_counted")?,
        })
    }
}

/// Marks as read, and takes the actions from, every one of this type about these things; returns those that it changed.
pub(in crate::notifications) async fn settle_subjects(
    db: &Connection,
    user: UserId,
    (kind, related_ids): (&str, &[i64]),
    now: Time,
) -> Result<Vec<Settled>, Error> {
    let parameters: Parameters<'_> = &[&user.get(), &kind, &related_ids, &now.0];
    db.query(SETTLE_SUBJECTS, parameters).await
}

pub(super) const SETTLE_ASKED_BY: &str = concat!(
    "
with asked as (
    select id, read_at is null and not is_filtered as was_counted
    from notifications
    where actor_id = $1 and kind = $2 and related_id = $3 and (read_at is null or data ? 'actions')
    for update
)",
    settle_asked!("$4")
);

/// The same for every one of this type about this thing that tells of what `actor` did, whoever was told.
pub(in crate::notifications) async fn settle_asked_by(
    db: &Connection,
    actor: UserId,
    (kind, related_id): (&str, i64),
    now: Time,
) -> Result<Vec<Settled>, Error> {
    let parameters: Parameters<'_> = &[&actor.get(), &kind, &related_id, &now.0];
    db.query(SETTLE_ASKED_BY, parameters).await
}

pub(super) const SETTLE_ONE: &str = concat!(
    "
with asked as (
    select id, read_at is null and not is_filtered as was_counted
    from notifications
    where id = $1 and (read_at is null or data ? 'actions')
    for update
)",
    settle_asked!("$2")
);

/// The same for one; `None` if it was so before.
pub(in crate::notifications) async fn settle_one(
    db: &Connection,
    notification: NotificationId,
    now: Time,
) -> Result<Option<Settled>, Error> {
    db.query_optional(SETTLE_ONE, &[&notification.get(), &now.0])
        .await
}

/// What a notification asks, for the feature that wrote it.
#[derive(Debug)]
pub(in crate::notifications) struct Asked {
    pub(in crate::notifications) kind: String,
    pub(in crate::notifications) actor: UserId,
    pub(in crate::notifications) related_id: Option<i64>,
    pub(in crate::notifications) data: Value,
}

impl FromRow for Asked {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            kind: row.get("kind")?,
            actor: row.get("actor_id")?,
            related_id: row.get("related_id")?,
            data: row.get("data")?,
        })
    }
}

pub(super) const FIND_ASKED: &str = "
select kind, actor_id, related_id, data from notifications where id = $1 and user_id = $2";

/// A notification of this user.
pub(in crate::notifications) async fn find_asked(
    db: &Connection,
    user: UserId,
    notification: NotificationId,
) -> Result<Option<Asked>, Error> {
    db.query_optional(FIND_ASKED, &[&notification.get(), &user.get()])
        .await
}
