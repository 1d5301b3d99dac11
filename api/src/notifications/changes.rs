//! What a person was told, and what became of it, between two moments.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::UserId;

use super::queries::{NotificationView, notification_columns};
use crate::{
    app::{
        db::{
            Connection, FromRow, InvalidRow, Parameters, Round, Row, changed_in_round,
            round_columns,
        },
        error::Error,
    },
    users::may_meet_account,
};

/// A notification, and where it stands among what has changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangedNotification {
    #[serde(flatten)]
    notification: NotificationView,
    /// The transaction that changed it, and its id.
    #[serde(skip)]
    pub place: (i64, i64),
}

impl FromRow for ChangedNotification {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        let notification = NotificationView::from_row(row)?;
        Ok(Self {
            place: (row.get("changed_in")?, notification.id.get()),
            notification,
        })
    }
}

// In the order of the index that they are found by, so that a page costs a page, however many were marked at once.
pub(super) const LIST_CHANGED: &str = concat!(
    "
with round as materialized ",
    round_columns!(),
    "
select notification.changed_in::text::bigint as changed_in, notification.read_at is not null as is_read,",
    notification_columns!(),
    "
from round
cross join notifications notification
join users actor on actor.id = notification.actor_id
where notification.user_id = $1 and not notification.is_filtered
    and (notification.changed_in, notification.id) > ($4::bigint::text::xid8, $5::bigint)
    and ",
    changed_in_round!("notification"),
    " and ",
    may_meet_account!("actor"),
    "
order by notification.changed_in, notification.id
limit $6"
);

/// The notifications that are new or another, from behind that place on; without what was kept aside.
pub async fn list_changed(
    db: &Connection,
    user: UserId,
    round: &Round,
    (changed_in, id): (i64, i64),
    rows: i64,
) -> Result<Vec<ChangedNotification>, Error> {
    let (since, until) = round.ends();
    let parameters: Parameters<'_> = &[&user.get(), &since, &until, &changed_in, &id, &rows];
    db.query(LIST_CHANGED, parameters).await
}
