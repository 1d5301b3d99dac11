//! Statements about the table `notifications`.

use serde::Serialize;
use serde_json::Value;
use shared::ids::{NotificationId, UserId};

use super::{NewNotification, mentions, policy, preferences};
use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Parameters, Row},
        error::Error,
        time::Time,
    },
    users::{Person, blocked_people, person_columns},
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    policy::FIND_WISHES,
    mentions::FIND_MENTIONED,
    preferences::LIST_TYPES,
    preferences::SET_TYPE,
    preferences::COUNT_TYPES,
    preferences::FIND_POLICY,
    preferences::SET_POLICY,
    preferences::IS_TIME_ZONE,
    INSERT_NOTIFICATION,
    IS_TOLD,
    LOCK_SUBJECT,
    FIND_REPEATED,
    FOLD_INTO,
    INSERT_ACTOR,
    SETTLE_SUBJECT,
    SETTLE_ONE,
    FIND_ASKED,
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
    insert into notifications
        (user_id, actor_id, kind, title, message, related_id, data, is_filtered, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
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
    is_filtered: bool,
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
        &is_filtered,
        &now.0,
    ];
    db.query_one(INSERT_NOTIFICATION, parameters).await
}

const IS_TOLD: &str = "
select exists (
    select from notifications
    where user_id = $1 and kind = $2 and related_id = $3 and read_at is null
)";

/// Whether the recipient has an unread one of this type about the same thing.
pub(super) async fn is_told(
    db: &Connection,
    notification: &NewNotification<'_>,
) -> Result<bool, Error> {
    let (to, kind, related) = (
        notification.to.get(),
        notification.kind,
        notification.related_id,
    );
    db.query_one(IS_TOLD, &[&to, &kind, &related]).await
}

// The share of the recipient's row is what an insert would take for its foreign key (see `lock_recipient`).
const LOCK_SUBJECT: &str = "
with recipient as (
    select id from users where id = $1 for key share
)
select pg_advisory_xact_lock(hashtextextended('notification ' || id || ' ' || $2 || ' ' || $3::bigint, 0))
from recipient";

/// Waits until nobody else tells this recipient of this type about the same thing; held to the transaction's end.
pub(super) async fn lock_subject(
    db: &Connection,
    notification: &NewNotification<'_>,
) -> Result<(), Error> {
    let (to, kind, related) = (
        notification.to.get(),
        notification.kind,
        notification.related_id,
    );
    db.execute(LOCK_SUBJECT, &[&to, &kind, &related]).await?;
    Ok(())
}

/// An earlier notification about the same thing.
#[derive(Debug)]
pub(super) struct Repeated {
    pub(super) id: NotificationId,
    pub(super) actor_count: i64,
    pub(super) is_read: bool,
    /// Tells of the present actor already.
    pub(super) has_actor: bool,
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

const FIND_REPEATED: &str = "
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
pub(super) async fn find_repeated(
    db: &Connection,
    notification: &NewNotification<'_>,
    is_filtered: bool,
    since: Time,
) -> Result<Option<Repeated>, Error> {
    let parameters: Parameters<'_> = &[
        &notification.to.get(),
        &notification.kind,
        &notification.related_id,
        &notification.actor.get(),
        &is_filtered,
        &since.0,
    ];
    db.query_optional(FIND_REPEATED, parameters).await
}

const FOLD_INTO: &str = concat!(
    "
with notification as (
    update notifications
    set actor_id = $2, title = $3, message = $4, data = $5, actor_count = $6
    where id = $1
    returning *
)
select
    notification.id, notification.kind, notification.title, notification.message,
    notification.related_id, notification.data, notification.created_at,
    notification.read_at is not null as is_read,
    ",
    person_columns!("actor", "actor"),
    "
from notification
join users actor on actor.id = notification.actor_id"
);

/// Changes an earlier one into this one, which tells of `actor_count` people.
pub(super) async fn fold_into(
    db: &Connection,
    earlier: NotificationId,
    notification: &NewNotification<'_>,
    actor_count: i64,
) -> Result<NotificationView, Error> {
    let parameters: Parameters<'_> = &[
        &earlier.get(),
        &notification.actor.get(),
        &notification.title,
        &notification.message,
        &notification.data,
        &actor_count,
    ];
    db.query_one(FOLD_INTO, parameters).await
}

const INSERT_ACTOR: &str = "
insert into notification_actors (notification_id, actor_id)
values ($1, $2)
on conflict on constraint notification_actor_unique do nothing";

/// Remembers that the notification tells of this person.
pub(super) async fn insert_actor(
    db: &Connection,
    notification: NotificationId,
    actor: UserId,
) -> Result<(), Error> {
    db.execute(INSERT_ACTOR, &[&notification.get(), &actor.get()])
        .await?;
    Ok(())
}

const SETTLE_SUBJECT: &str = "
update notifications
set read_at = coalesce(read_at, $4), data = data - 'actions'
where user_id = $1 and kind = $2 and related_id = $3 and (read_at is null or data ? 'actions')
returning id";

/// Marks as read, and takes the actions from, every one of this type about this thing; returns those that it changed.
pub(super) async fn settle_subject(
    db: &Connection,
    user: UserId,
    kind: &str,
    related_id: i64,
    now: Time,
) -> Result<Vec<NotificationId>, Error> {
    db.query(SETTLE_SUBJECT, &[&user.get(), &kind, &related_id, &now.0])
        .await
}

const SETTLE_ONE: &str = "
update notifications
set read_at = coalesce(read_at, $2), data = data - 'actions'
where id = $1 and (read_at is null or data ? 'actions')";

/// The same for one; false if it was so before.
pub(super) async fn settle_one(
    db: &Connection,
    notification: NotificationId,
    now: Time,
) -> Result<bool, Error> {
    let changed = db
        .execute(SETTLE_ONE, &[&notification.get(), &now.0])
        .await?;
    Ok(changed == 1)
}

/// What a notification asks, for the feature that wrote it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) kind: String,
    pub(super) actor: UserId,
    pub(super) related_id: Option<i64>,
    pub(super) data: Value,
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

const FIND_ASKED: &str = "
select kind, actor_id, related_id, data from notifications where id = $1 and user_id = $2";

/// A notification of this user.
pub(super) async fn find_asked(
    db: &Connection,
    user: UserId,
    notification: NotificationId,
) -> Result<Option<Asked>, Error> {
    db.query_optional(FIND_ASKED, &[&notification.get(), &user.get()])
        .await
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
where notification.user_id = $1 and notification.id < $2 and notification.is_filtered = $5
    and notification.actor_id not in ",
    blocked_people!("$1"),
    "
order by notification.id desc
limit $3 offset $4"
);

/// Those with a smaller id than `before`, newest first: what was told, or what was kept aside. Without acts of people whom
/// the user blocks or is blocked by.
pub(super) async fn list_notifications(
    db: &Connection,
    (user, is_filtered): (UserId, bool),
    before: i64,
    (rows, offset): (i64, i64),
) -> Result<Vec<NotificationView>, Error> {
    let parameters: Parameters<'_> = &[&user.get(), &before, &rows, &offset, &is_filtered];
    db.query(LIST_NOTIFICATIONS, parameters).await
}

const COUNT_UNREAD: &str = concat!(
    "
select count(*)
from notifications
where user_id = $1 and read_at is null and not is_filtered and actor_id not in ",
    blocked_people!("$1")
);

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
where user_id = $1 and read_at is null and not is_filtered";

/// How many were unread.
pub(super) async fn mark_all_read(db: &Connection, user: UserId, now: Time) -> Result<u64, Error> {
    db.execute(MARK_ALL_READ, &[&user.get(), &now.0]).await
}
