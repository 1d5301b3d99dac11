//! Statements about the tables `conversations` and `conversation_members`, and readings of `messages`.

use serde::Serialize;
use shared::ids::{ConversationId, UserId};

use super::message::{MessageView, message_columns};
use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Row},
        error::Error,
        time::Time,
    },
    users::{Person, person_columns},
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    FIND_DIRECT,
    FIND_OTHER_MEMBER,
    IS_MEMBER,
    OPEN_DIRECT,
    LIST_CONVERSATIONS,
    LIST_MESSAGES_AFTER,
    LIST_MESSAGES_BEFORE,
    LOCK_MARKER,
    MOVE_MARKER,
];

const FIND_DIRECT: &str = "
select id
from conversations
where first_user_id = least($1::bigint, $2) and second_user_id = greatest($1::bigint, $2)";

/// The direct conversation of two people, if they have one.
pub async fn find_direct(
    db: &Connection,
    one: UserId,
    other: UserId,
) -> Result<Option<ConversationId>, Error> {
    db.query_optional(FIND_DIRECT, &[&one.get(), &other.get()])
        .await
}

const FIND_OTHER_MEMBER: &str = "
select other.user_id
from conversation_members me
join conversation_members other on other.conversation_id = me.conversation_id
where me.conversation_id = $1 and me.user_id = $2 and other.user_id <> $2";

/// The other one of a direct conversation; `None` if the caller is not a member.
pub async fn find_other_member(
    db: &Connection,
    conversation: ConversationId,
    caller: UserId,
) -> Result<Option<UserId>, Error> {
    db.query_optional(FIND_OTHER_MEMBER, &[&conversation.get(), &caller.get()])
        .await
}

const IS_MEMBER: &str = "
select exists (select from conversation_members where conversation_id = $1 and user_id = $2)";

/// Whether the user may see the conversation.
pub(super) async fn is_member(
    db: &Connection,
    conversation: ConversationId,
    user: UserId,
) -> Result<bool, Error> {
    db.query_one(IS_MEMBER, &[&conversation.get(), &user.get()])
        .await
}

// Whoever comes second to a new pair gets the first one's row. "do nothing" would return no row; the update that changes
// nothing does, and takes the lock that the message is about to take anyway.
const OPEN_DIRECT: &str = "
with conversation as (
    insert into conversations (kind, first_user_id, second_user_id, created_at)
    values ('direct', least($1::bigint, $2), greatest($1::bigint, $2), $3)
    on conflict on constraint conversation_direct_pair_unique
        do update set last_seq = conversations.last_seq
    returning id
),
members as (
    insert into conversation_members (conversation_id, user_id, joined_at)
    select conversation.id, person, $3
    from conversation, unnest(array[$1, $2]) as person
    on conflict on constraint conversation_member_unique do nothing
)
select id from conversation";

/// The direct conversation of two different people, made if there is none.
pub async fn open_direct(
    db: &Connection,
    one: UserId,
    other: UserId,
    now: Time,
) -> Result<ConversationId, Error> {
    db.query_one(OPEN_DIRECT, &[&one.get(), &other.get(), &now.0])
        .await
}

/// A conversation as one of its members sees it.
#[derive(Debug, Serialize)]
pub(super) struct ConversationView {
    pub(super) id: ConversationId,
    pub(super) kind: String,
    /// The other one.
    pub(super) peer: Person,
    /// How far the other one has read.
    pub(super) peer_read_seq: i64,
    pub(super) read_seq: i64,
    pub(super) last_seq: i64,
    /// Counted up to 1000.
    pub(super) unread_count: i64,
    pub(super) last_message: MessageView,
}

impl FromRow for ConversationView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("conversation_id")?,
            kind: row.get("kind")?,
            peer: Person::from_columns(row, "peer")?,
            peer_read_seq: row.get("peer_read_seq")?,
            read_seq: row.get("read_seq")?,
            last_seq: row.get("last_seq")?,
            unread_count: row.get("unread_count")?,
            last_message: MessageView::from_row(row)?,
        })
    }
}

// The page is chosen first: what is looked up and counted for each row is then bounded by the page. The count is bounded
// too, because somebody who was away for long has a page full of long ones.
const LIST_CONVERSATIONS: &str = concat!(
    "
with page as materialized (
    select conversation.id, conversation.kind, conversation.last_seq, conversation.last_message_id, me.read_seq
    from conversation_members me
    join conversations conversation on conversation.id = me.conversation_id
    where me.user_id = $1 and conversation.last_message_id < $2
    order by conversation.last_message_id desc
    limit $3
)
select
    page.kind, page.last_seq, page.read_seq, other.read_seq as peer_read_seq,
    ",
    person_columns!("peer", "peer"),
    ",
    (
        select count(*)
        from (
            select from messages unread
            where unread.conversation_id = page.id and unread.seq > page.read_seq and unread.sender_id <> $1
            limit 1000
        ) counted
    ) as unread_count,",
    message_columns!(),
    "
from page
join messages message on message.id = page.last_message_id
join users sender on sender.id = message.sender_id
join conversation_members other on other.conversation_id = page.id and other.user_id <> $1
join users peer on peer.id = other.user_id
order by page.last_message_id desc"
);

/// Those whose last message has a smaller id than `before`, the most recently active first.
pub(super) async fn list_conversations(
    db: &Connection,
    member: UserId,
    before: i64,
    rows: i64,
) -> Result<Vec<ConversationView>, Error> {
    db.query(LIST_CONVERSATIONS, &[&member.get(), &before, &rows])
        .await
}

const LIST_MESSAGES_AFTER: &str = concat!(
    "
select",
    message_columns!(),
    "
from messages message
join users sender on sender.id = message.sender_id
where message.conversation_id = $1 and message.seq > $2
order by message.seq
limit $3"
);

/// The messages that follow a `seq`, oldest first.
pub(super) async fn list_messages_after(
    db: &Connection,
    conversation: ConversationId,
    seq: i64,
    rows: i64,
) -> Result<Vec<MessageView>, Error> {
    db.query(LIST_MESSAGES_AFTER, &[&conversation.get(), &seq, &rows])
        .await
}

const LIST_MESSAGES_BEFORE: &str = concat!(
    "
select",
    message_columns!(),
    "
from messages message
join users sender on sender.id = message.sender_id
where message.conversation_id = $1 and message.seq < $2
order by message.seq desc
limit $3"
);

/// The messages that precede a `seq`, newest first.
pub(super) async fn list_messages_before(
    db: &Connection,
    conversation: ConversationId,
    seq: i64,
    rows: i64,
) -> Result<Vec<MessageView>, Error> {
    db.query(LIST_MESSAGES_BEFORE, &[&conversation.get(), &seq, &rows])
        .await
}

/// How far a member has read, and what bounds it.
#[derive(Debug)]
pub(super) struct Marker {
    pub(super) read_seq: i64,
    pub(super) last_seq: i64,
    pub(super) members: Vec<UserId>,
}

impl FromRow for Marker {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        let members: Vec<i64> = row.get("members")?;
        let members = members.into_iter().map(UserId::new);
        Ok(Self {
            read_seq: row.get("read_seq")?,
            last_seq: row.get("last_seq")?,
            members: members
                .collect::<Result<_, _>>()
                .map_err(|_| InvalidRow::Value {
                    column: "members".to_owned(),
                })?,
        })
    }
}

const LOCK_MARKER: &str = "
select
    me.read_seq,
    conversation.last_seq,
    array(
        select member.user_id from conversation_members member where member.conversation_id = $1
    ) as members
from conversation_members me
join conversations conversation on conversation.id = me.conversation_id
where me.conversation_id = $1 and me.user_id = $2
for update of me";

/// The marker, which nobody else moves before the transaction's end; `None` if the user is not a member.
pub(super) async fn lock_marker(
    db: &Connection,
    conversation: ConversationId,
    member: UserId,
) -> Result<Option<Marker>, Error> {
    db.query_optional(LOCK_MARKER, &[&conversation.get(), &member.get()])
        .await
}

const MOVE_MARKER: &str = "
update conversation_members
set read_seq = $3
where conversation_id = $1 and user_id = $2";

/// Sets the marker.
pub(super) async fn move_marker(
    db: &Connection,
    conversation: ConversationId,
    member: UserId,
    seq: i64,
) -> Result<(), Error> {
    db.execute(MOVE_MARKER, &[&conversation.get(), &member.get(), &seq])
        .await?;
    Ok(())
}
