//! Statements of traces.

use shared::ids::{GroupId, UserId};

use crate::app::{db::Connection, error::Error};

const IS_MEMBER: &str = "
    select exists (select from group_members where group_id = $1 and user_id = $2)";

pub(in crate::operators) const STATEMENTS: &[&str] = &[IS_MEMBER];

/// Whether somebody is in a group now.
pub(super) async fn is_member(
    connection: &Connection,
    group: GroupId,
    user: UserId,
) -> Result<bool, Error> {
    connection
        .query_one(IS_MEMBER, &[&group.get(), &user.get()])
        .await
}
