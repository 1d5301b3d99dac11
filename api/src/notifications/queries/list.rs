//! What a person has been told.

use shared::ids::UserId;

use super::view::{NotificationView, notification_columns};
use crate::{
    app::{
        db::{Connection, Parameters},
        error::Error,
    },
    users::may_meet_account,
};

pub(super) const LIST_NOTIFICATIONS: &str = concat!(
    "
select notification.read_at is not null as is_read,",
    notification_columns!(),
    "
from notifications notification
join users actor on actor.id = notification.actor_id
where notification.user_id = $1 and notification.id < $2 and notification.is_filtered = $5
    and ",
    may_meet_account!("actor"),
    "
order by notification.id desc
limit $3 offset $4"
);

/// Those with a smaller id than `before`, newest first: what was told, or what was kept aside. Without acts of people of
/// whom the user may not know (any more): who blocks or is blocked, is suspended or gone.
pub async fn list_notifications(
    db: &Connection,
    (user, is_filtered): (UserId, bool),
    before: i64,
    (rows, offset): (i64, i64),
) -> Result<Vec<NotificationView>, Error> {
    let parameters: Parameters<'_> = &[&user.get(), &before, &rows, &offset, &is_filtered];
    db.query(LIST_NOTIFICATIONS, parameters).await
}

pub(super) const COUNT_UNREAD: &str = concat!(
    "
select count(*)
from notifications notification
join users actor on actor.id = notification.actor_id
where notification.user_id = $1 and notification.read_at is null and not notification.is_filtered
    and ",
    may_meet_account!("actor")
);

/// How many of them the user has not read.
pub async fn count_unread(db: &Connection, user: UserId) -> Result<i64, Error> {
    db.query_one(COUNT_UNREAD, &[&user.get()]).await
}
