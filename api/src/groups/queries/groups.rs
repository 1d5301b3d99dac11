//! Groups themselves.

use shared::ids::{ConversationId, GroupId, UserId};

use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Parameters, Row},
        error::Error,
        http::{json::Change, place::Place},
        time::Time,
    },
    groups::{chat::Chat, group::GroupView},
};

/// A new group's profile.
#[derive(Debug)]
pub(in crate::groups) struct NewGroup {
    pub(in crate::groups) name: String,
    pub(in crate::groups) description: String,
    pub(in crate::groups) avatar: Option<String>,
    pub(in crate::groups) is_private: bool,
}

pub(super) const INSERT_GROUP: &str = "
with made as (
    insert into groups (name, description, avatar, is_private, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $5)
    returning id
),
chat as (
    insert into conversations (kind, group_id, created_at)
    select 'group', id, $5 from made
)
select id from made";

/// Makes a group without members, and its chat.
pub(in crate::groups) async fn insert_group(
    db: &Connection,
    group: &NewGroup,
    now: Time,
) -> Result<GroupId, Error> {
    let parameters: Parameters<'_> = &[
        &group.name,
        &group.description,
        &group.avatar,
        &group.is_private,
        &now.0,
    ];
    db.query_one(INSERT_GROUP, parameters).await
}

/// What a `GroupView` is read from; `$1` is the reader.
macro_rules! group_columns {
    () => {
        "
select
    groups.id, groups.name, groups.description, groups.avatar, groups.is_private, groups.member_count,
    groups.created_at, groups.updated_at,
    chat.id as conversation_id, me.role as my_role, me.joined_at,
    exists (
        select from group_invitations invitation
        where invitation.group_id = groups.id and invitation.user_id = $1
    ) as is_invited,
    exists (
        select from group_join_requests request
        where request.group_id = groups.id and request.user_id = $1
    ) as has_requested"
    };
}

pub(in crate::groups) use group_columns;

pub(super) const FIND_GROUP: &str = concat!(
    group_columns!(),
    "
from groups
join conversations chat on chat.group_id = groups.id
left join group_members me on me.group_id = groups.id and me.user_id = $1
where groups.id = $2 and groups.deleted_at is null"
);

/// The group, as the reader sees it.
pub(in crate::groups) async fn find_group(
    db: &Connection,
    reader: UserId,
    group: GroupId,
) -> Result<GroupView, Error> {
    let parameters: Parameters<'_> = &[&reader.get(), &group.get()];
    let found = db.query_optional(FIND_GROUP, parameters).await?;
    found.ok_or_else(|| Error::not_found("group"))
}

pub(super) const LIST_GROUPS: &str = concat!(
    group_columns!(),
    "
from group_members me
join groups on groups.id = me.group_id
join conversations chat on chat.group_id = groups.id
where me.user_id = $1 and (me.joined_at, me.group_id) < ($2, $3)
order by me.joined_at desc, me.group_id desc
limit $4"
);

/// The groups that the reader is a member of, the last one joined first.
pub async fn list_groups(
    db: &Connection,
    reader: UserId,
    place: Place,
    rows: i64,
) -> Result<Vec<GroupView>, Error> {
    let parameters: Parameters<'_> = &[&reader.get(), &place.time.0, &place.id, &rows];
    db.query(LIST_GROUPS, parameters).await
}

/// A group whose members nobody else changes before the transaction's end.
#[derive(Debug)]
pub(in crate::groups) struct LockedGroup {
    pub(in crate::groups) id: GroupId,
    pub(in crate::groups) name: String,
    pub(in crate::groups) is_private: bool,
}

impl FromRow for LockedGroup {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            is_private: row.get("is_private")?,
        })
    }
}

pub(super) const LOCK_GROUP: &str = "
select id, name, is_private
from groups
where id = $1 and deleted_at is null
for no key update";

/// Waits until nobody else changes the group or its members.
pub(in crate::groups) async fn lock_group(
    db: &Connection,
    group: GroupId,
) -> Result<LockedGroup, Error> {
    let found = db.query_optional(LOCK_GROUP, &[&group.get()]).await?;
    found.ok_or_else(|| Error::not_found("group"))
}

/// What is to be another.
#[derive(Debug)]
pub(in crate::groups) struct GroupChange {
    pub(in crate::groups) name: Option<String>,
    pub(in crate::groups) description: Option<String>,
    pub(in crate::groups) avatar: Change<String>,
    pub(in crate::groups) is_private: Option<bool>,
}

// A null leaves the column as it is; the avatar, which can be cleared, has a switch beside it.
pub(super) const UPDATE_GROUP: &str = "
update groups
set name = coalesce($2, name),
    description = coalesce($3, description),
    avatar = case when $4 then $5 else avatar end,
    is_private = coalesce($6, is_private),
    updated_at = $7
where id = $1";

/// Changes the profile.
pub(in crate::groups) async fn update_group(
    db: &Connection,
    group: GroupId,
    change: &GroupChange,
    now: Time,
) -> Result<(), Error> {
    let (sets_avatar, avatar) = change.avatar.setting();
    let parameters: Parameters<'_> = &[
        &group.get(),
        &change.name,
        &change.description,
        &sets_avatar,
        &avatar,
        &change.is_private,
        &now.0,
    ];
    db.execute(UPDATE_GROUP, parameters).await?;
    Ok(())
}

pub(super) const EMPTY_GROUP: &str = "
with members as (
    delete from group_members where group_id = $1
),
readers as (
    delete from conversation_members reader
    using conversations chat
    where chat.group_id = $1 and reader.conversation_id = chat.id
),
invitations as (
    delete from group_invitations where group_id = $1
),
requests as (
    delete from group_join_requests where group_id = $1
)
update groups
set deleted_at = $2, member_count = 0
where id = $1";

/// Deletes the group: nobody is in it any more.
pub(in crate::groups) async fn empty_group(
    db: &Connection,
    group: GroupId,
    now: Time,
) -> Result<(), Error> {
    db.execute(EMPTY_GROUP, &[&group.get(), &now.0]).await?;
    Ok(())
}

impl FromRow for Chat {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            group: row.get("group_id")?,
            conversation: row.get("id")?,
            is_member: row.get("is_member")?,
        })
    }
}

pub(super) const FIND_CHAT: &str = "
select
    chat.id, chat.group_id,
    exists (
        select from group_members me
        where me.group_id = groups.id and me.user_id = $2
        for key share
    ) as is_member
from groups
join conversations chat on chat.group_id = groups.id
where groups.id = $1 and groups.deleted_at is null";

/// The group's chat; a membership that it finds stands until the transaction's end.
pub(in crate::groups) async fn find_chat(
    db: &Connection,
    group: GroupId,
    user: UserId,
) -> Result<Option<Chat>, Error> {
    db.query_optional(FIND_CHAT, &[&group.get(), &user.get()])
        .await
}

pub(super) const FIND_CHAT_BY_CONVERSATION: &str = "
select
    chat.id, chat.group_id,
    exists (
        select from group_members me
        where me.group_id = chat.group_id and me.user_id = $2
        for key share
    ) as is_member
from conversations chat
where chat.id = $1 and chat.group_id is not null";

/// The chat that this conversation is; `None` for another conversation, and for none.
pub(in crate::groups) async fn find_chat_by_conversation(
    db: &Connection,
    conversation: ConversationId,
    user: UserId,
) -> Result<Option<Chat>, Error> {
    db.query_optional(
        FIND_CHAT_BY_CONVERSATION,
        &[&conversation.get(), &user.get()],
    )
    .await
}
