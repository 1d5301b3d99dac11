//! Statements about the table `notifications`.

use serde::Serialize;
use serde_json::Value;
use shared::ids::{NotificationId, UserId};

use super::NewNotification;
use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Parameters, Row},
        error::Error,
        time::Time,
    },
    users::{Person, person_columns},
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    INSERT_NOTIFICATION,
    LIST_NOTIFICATIONS,
    COUNT_UNREAD,
    MARK_READ,
    LOCK_RECIPIENT,
    MARK_ALL_READ,
];

/// A notification as its recipient gets it.
#[derive(Debug, Serialize)]
pub(super) struct NotificationView {
    pub(super) id: NotificationId,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) title: String,
    pub(super) message: String,
    pub(super) related_id: Option<i64>,
    pub(super) actor: Person,
    pub(super) data: Value,
    pub(super) is_read: bool,
    pub(super) created_at: Time,
}

impl FromRow for NotificationView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            kind: row.get("kind")?,
            title: row.get("title")?,
            message: row.get("message")?,
            related_id: row.get("related_id")?,
            actor: Person::from_columns(row, "actor")?,
            data: row.get("data")?,
            is_read: row.get("is_read")?,
            created_at: row.get("created_at")?,
        })
    }
}

const INSERT_NOTIFICATION: &str = concat!(
    "
with notification as (
    insert into notifications (user_id, actor_id, kind, title, message, related_id, data, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    returning *
)
select
    notification.id, notification.kind, notification.title, notification.message,
    notification.related_id, notification.data, notification.created_at, false as is_read,
    ",
    person_columns!("actor", "actor"),
    "
from notification
join users actor on actor.id = notification.actor_id"
);

/// Stores a new one, unread.
pub(super) async fn insert_notification(
    db: &Connection,
    notification: &NewNotification<'_>,
    now: Time,
) -> Result<NotificationView, Error> {
    let parameters: Parameters<'_> = &[
        &notification.to.get(),
        &notification.actor.get(),
        &notification.kind,
        &notification.title,
        &notification.message,
        &notification.related_id,
        &notification.data,
        &now.0,
    ];
    db.query_one(INSERT_NOTIFICATION, parameters).await
}

const LIST_NOTIFICATIONS: &str = concat!(
    "
select
    notification.id, notification.kind, notification.title, notification.message,
    notification.related_id, notification.data, notification.created_at,
    notification.read_at is not null as is_read,
    ",
    person_columns!("actor", "actor"),
    "
from notifications notification
join users actor on actor.id = notification.actor_id
where notification.user_id = $1 and notification.id < $2
order by notification.id desc
limit $3 offset $4"
);

/// Those with a smaller id than `before`, newest first.
pub(super) async fn list_notifications(
    db: &Connection,
    user: UserId,
    before: i64,
    (rows, offset): (i64, i64),
) -> Result<Vec<NotificationView>, Error> {
    let parameters: Parameters<'_> = &[&user.get(), &before, &rows, &offset];
    db.query(LIST_NOTIFICATIONS, parameters).await
}

const COUNT_UNREAD: &str = "
select count(*) from notifications where user_id = $1 and read_at is null";

/// How many the user has not read.
pub(super) async fn count_unread(db: &Connection, user: UserId) -> Result<i64, Error> {
    db.query_one(COUNT_UNREAD, &[&user.get()]).await
}

const MARK_READ: &str = "
with marked as (
    update notifications
    set read_at = $3
    where id = $1 and user_id = $2 and read_at is null
    returning id
)
select exists (select from marked)
from notifications
where id = $1 and user_id = $2";

/// Whether it was unread before; `None` if the user has no such notification.
pub(super) async fn mark_read(
    db: &Connection,
    user: UserId,
    notification: NotificationId,
    now: Time,
) -> Result<Option<bool>, Error> {
    let parameters: Parameters<'_> = &[&notification.get(), &user.get(), &now.0];
    db.query_optional(MARK_READ, parameters).await
}

const LOCK_RECIPIENT: &str = "
select id from users where id = $1 for update";

/// Waits until every notification that is being written for this user is there, and holds back new ones to the
/// transaction's end: the foreign key of each holds a share of the recipient's row.
pub(super) async fn lock_recipient(db: &Connection, user: UserId) -> Result<(), Error> {
    db.execute(LOCK_RECIPIENT, &[&user.get()]).await?;
    Ok(())
}

const MARK_ALL_READ: &str = "
update notifications
set read_at = $2
where user_id = $1 and read_at is null";

/// How many were unread.
pub(super) async fn mark_all_read(db: &Connection, user: UserId, now: Time) -> Result<u64, Error> {
    db.execute(MARK_ALL_READ, &[&user.get(), &now.0]).await
}
