//! What has changed in somebody's groups between two moments.

use shared::ids::UserId;

use super::{group::GroupView, queries::groups::group_columns};
use crate::app::{
    db::{Connection, Parameters, Round, changed_in_round, round_columns},
    error::Error,
};

pub(super) const LIST_CHANGED: &str = concat!(
    "
with round as materialized ",
    round_columns!(),
    group_columns!(),
    "
from round
cross join group_members me
join groups on groups.id = me.group_id
join conversations chat on chat.group_id = groups.id
where me.user_id = $1 and me.group_id > $4 and (",
    changed_in_round!("groups"),
    " or ",
    changed_in_round!("me"),
    ")
order by me.group_id
limit $5"
);

/// The groups that the member has joined, or that look otherwise, by id, from behind that one on.
pub async fn list_changed(
    db: &Connection,
    member: UserId,
    round: &Round,
    after: i64,
    rows: i64,
) -> Result<Vec<GroupView>, Error> {
    let (since, until) = round.ends();
    let parameters: Parameters<'_> = &[&member.get(), &since, &until, &after, &rows];
    db.query(LIST_CHANGED, parameters).await
}
