//! What a person has read.

use shared::ids::{NotificationId, UserId};

use crate::app::{
    db::{Connection, Parameters},
    error::Error,
    time::Time,
};

pub(super) const MARK_READ: &str = "
with marked as (
    update notifications
    set read_at = $3
    where id = $1 and user_id = $2 and read_at is null
    returning not is_filtered as was_counted
)
select (select was_counted from marked)
from notifications
where id = $1 and user_id = $2";

/// Whether it counted as unread, if it was unread before; `None` if the user has no such notification.
pub(in crate::notifications) async fn mark_read(
    db: &Connection,
    user: UserId,
    notification: NotificationId,
    now: Time,
) -> Result<Option<Option<bool>>, Error> {
    let parameters: Parameters<'_> = &[&notification.get(), &user.get(), &now.0];
    db.query_optional(MARK_READ, parameters).await
}

pub(super) const LOCK_RECIPIENT: &str = "
select id from users where id = $1 for update";

/// Waits until every notification that is being written for this user is there, and holds back new ones to the
/// transaction's end: the foreign key of each holds a share of the recipient's row.
pub(in crate::notifications) async fn lock_recipient(
    db: &Connection,
    user: UserId,
) -> Result<(), Error> {
    db.execute(LOCK_RECIPIENT, &[&user.get()]).await?;
    Ok(())
}

pub(super) const MARK_ALL_READ: &str = "
update notifications
set read_at = $2
where user_id = $1 and read_at is null and not is_filtered";

/// How many were unread.
pub(in crate::notifications) async fn mark_all_read(
    db: &Connection,
    user: UserId,
    now: Time,
) -> Result<u64, Error> {
    db.execute(MARK_ALL_READ, &[&user.get(), &now.0]).await
}
