//! What is read to say whom somebody may reach.

use shared::ids::{ConversationId, GroupId, UserId};

use crate::app::{db::Connection, error::Error};

pub(in crate::messages) const IS_REQUEST: &str = "
select request_to is not null from conversations where id = $1";

/// Whether somebody has yet to accept the conversation, or has turned it down.
pub(super) async fn is_request(
    db: &Connection,
    conversation: ConversationId,
) -> Result<bool, Error> {
    db.query_one(IS_REQUEST, &[&conversation.get()]).await
}

pub(in crate::messages) const COUNT_MEMBERS: &str = "
select coalesce((select member_count::bigint from groups where id = $1), 0)";

/// How many people are in the group.
pub(super) async fn count_members(db: &Connection, group: GroupId) -> Result<i64, Error> {
    db.query_one(COUNT_MEMBERS, &[&group.get()]).await
}

pub(in crate::messages) const SHARE_CONVERSATION: &str = "
select exists (
    select from conversations
    where first_user_id = least($1::bigint, $2) and second_user_id = greatest($1::bigint, $2)
        and request_to is null
) or exists (
    select from group_members own
    join group_members theirs on theirs.group_id = own.group_id and theirs.user_id = $2
    where own.user_id = $1
)";

/// Whether two people have an open conversation, or are in a group together.
pub(super) async fn share_conversation(
    db: &Connection,
    one: UserId,
    other: UserId,
) -> Result<bool, Error> {
    db.query_one(SHARE_CONVERSATION, &[&one.get(), &other.get()])
        .await
}
