//! Writing notifications, each by itself or into an earlier one.

use shared::ids::{NotificationId, UserId};

use super::view::{NotificationView, notification_columns};
use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Parameters, Row},
        error::Error,
        time::Time,
    },
    notifications::NewNotification,
};

pub(super) const INSERT_NOTIFICATION: &str = concat!(
    "
with notification as (
    insert into notifications
        (user_id, actor_id, kind, title, message, related_id, data, is_filtered, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    returning *
)
select false as is_read,",
    notification_columns!(),
    "
from notification
join users actor on actor.id = notification.actor_id"
);

/// Stores a new one, unread.
pub(in crate::notifications) async fn insert_notification(
    db: &Connection,
    notification: &NewNotification<'_>,
    is_filtered: bool,
    now: Time,
) -> Result<NotificationView, Error> {
    let parameters: Parameters<'_> = &[
        &notification.to.get(),
        &notification.actor.get(),
        &notification.kind.name,
        &notification.kind.title,
        &notification.message,
        &notification.related_id,
        &notification.data,
        &is_filtered,
        &now.0,
    ];
    db.query_one(INSERT_NOTIFICATION, parameters).await
}

pub(super) const IS_TOLD: &str = "
select exists (
    select from notifications
    where user_id = $1 and kind = $2 and related_id = $3 and read_at is null
)";

/// Whether the recipient has an unread one of this type about the same thing.
pub(in crate::notifications) async fn is_told(
    db: &Connection,
    notification: &NewNotification<'_>,
) -> Result<bool, Error> {
    let (to, kind, related) = (
        notification.to.get(),
        &notification.kind.name,
        notification.related_id,
    );
    db.query_one(IS_TOLD, &[&to, &kind, &related]).await
}

// The share of the recipient's row is what an insert would take for its foreign key (see `lock_recipient`).
pub(super) const LOCK_SUBJECT: &str = "
with recipient as (
    select id from users where id = $1 for key share
)
select pg_advisory_xact_lock(hashtextextended('notification ' || id || ' ' || $2 || ' ' || $3::bigint, 0))
from recipient";

/// Waits until nobody else tells this recipient of this type about the same thing; held to the transaction's end.
pub(in crate::notifications) async fn lock_subject(
    db: &Connection,
    notification: &NewNotification<'_>,
) -> Result<(), Error> {
    let (to, kind, related) = (
        notification.to.get(),
        &notification.kind.name,
        notification.related_id,
    );
    db.execute(LOCK_SUBJECT, &[&to, &kind, &related]).await?;
    Ok(())
}

/// An earlier notification about the same thing.
#[derive(Debug)]
pub(in crate::notifications) struct Repeated {
    pub(in crate::notifications) id: NotificationId,
    pub(in crate::notifications) actor_count: i64,
    pub(in crate::notifications) is_read: bool,
    /// Tells of the present actor already.
    pub(in crate::notifications) has_actor: bool,
}

impl FromRow for Repeated {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            actor_count: row.get("actor_count")?,
            is_read: row.get("is_read")?,
            has_actor: row.get("has_actor")?,
        })
    }
}

pub(super) const FIND_REPEATED: &str = "
select
    notification.id, notification.actor_count, notification.read_at is not null as is_read,
    exists (
        select from notification_actors actor
        where actor.notification_id = notification.id and actor.actor_id = $4
    ) as has_actor
from notifications notification
where notification.user_id = $1 and notification.kind = $2 and notification.related_id = $3
    and notification.is_filtered = $5 and notification.created_at > $6
order by notification.id desc
limit 1";

/// The newest one of this type about the same thing that was written after `since`.
pub(in crate::notifications) async fn find_repeated(
    db: &Connection,
    notification: &NewNotification<'_>,
    is_filtered: bool,
    since: Time,
) -> Result<Option<Repeated>, Error> {
    let parameters: Parameters<'_> = &[
        &notification.to.get(),
        &notification.kind.name,
        &notification.related_id,
        &notification.actor.get(),
        &is_filtered,
        &since.0,
    ];
    db.query_optional(FIND_REPEATED, parameters).await
}

pub(super) const FOLD_INTO: &str = concat!(
    "
with notification as (
    update notifications
    set actor_id = $2, title = $3, message = $4, data = $5, actor_count = $6
    where id = $1
    returning *
)
select notification.read_at is not null as is_read,",
    notification_columns!(),
    "
from notification
join users actor on actor.id = notification.actor_id"
);

/// Changes an earlier one into this one, which tells of `actor_count` people.
pub(in crate::notifications) async fn fold_into(
    db: &Connection,
    earlier: NotificationId,
    notification: &NewNotification<'_>,
    actor_count: i64,
) -> Result<NotificationView, Error> {
    let parameters: Parameters<'_> = &[
        &earlier.get(),
        &notification.actor.get(),
        &notification.kind.title,
        &notification.message,
        &notification.data,
        &actor_count,
    ];
    db.query_one(FOLD_INTO, parameters).await
}

pub(super) const INSERT_ACTOR: &str = "
insert into notification_actors (notification_id, actor_id)
values ($1, $2)
on conflict on constraint notification_actor_unique do nothing";

/// Remembers that the notification tells of this person.
pub(in crate::notifications) async fn insert_actor(
    db: &Connection,
    notification: NotificationId,
    actor: UserId,
) -> Result<(), Error> {
    db.execute(INSERT_ACTOR, &[&notification.get(), &actor.get()])
        .await?;
    Ok(())
}
