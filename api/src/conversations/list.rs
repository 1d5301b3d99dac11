//! Conversations as their members see them.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::{ConversationId, GroupId, UserId};

use super::MessageView;
use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Row},
        error::Error,
    },
    users::Person,
};

/// A conversation as one of its members sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConversationView {
    /// Its id.
    pub id: ConversationId,
    /// `direct` or `group`.
    pub(super) kind: String,
    /// The other one of a direct conversation.
    pub(super) peer: Option<Person>,
    /// The group whose chat it is.
    pub(super) group: Option<GroupSummary>,
    /// How far the other one has read; not known where one of the two hides it.
    pub(super) peer_read_seq: Option<i64>,
    /// `pending` where the other one has not accepted it yet.
    pub(super) request: Option<String>,
    pub(super) read_seq: i64,
    pub(super) last_seq: i64,
    /// Counted up to 1000.
    pub(super) unread_count: i64,
    /// The newest one.
    pub last_message: MessageView,
}

impl FromRow for ConversationView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("conversation_id")?,
            kind: row.get("kind")?,
            peer: match row.get::<Option<UserId>>("peer_id")? {
                Some(_) => Some(Person::from_columns(row, "peer")?),
                None => None,
            },
            group: GroupSummary::from_columns(row)?,
            peer_read_seq: row.get("peer_read_seq")?,
            request: row.get("request")?,
            read_seq: row.get("read_seq")?,
            last_seq: row.get("last_seq")?,
            unread_count: row.get("unread_count")?,
            last_message: MessageView::from_row(row)?,
        })
    }
}

/// A group, as a conversation shows it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct GroupSummary {
    id: GroupId,
    name: String,
    avatar: Option<String>,
    member_count: i64,
}

impl GroupSummary {
    fn from_columns(row: &Row<'_>) -> Result<Option<Self>, InvalidRow> {
        let Some(id) = row.get("group_id")? else {
            return Ok(None);
        };
        Ok(Some(Self {
            id,
            name: row.get("group_name")?,
            avatar: row.get("group_avatar")?,
            member_count: row.get("member_count")?,
        }))
    }
}

// The page is chosen first: what is looked up and counted for each row is then bounded by the page. The count is bounded
// too, because somebody who was away for long has a page full of long ones.
macro_rules! select_conversations {
    ($page:expr, $order:literal) => {
        concat!(
            "
page as materialized (
    select
        conversation.id, conversation.kind, conversation.last_seq, conversation.last_message_id,
        conversation.group_id, me.read_seq,
        -- A rejection is not told to the one who asked.
        case when conversation.request_to is not null then 'pending' end as request
    from conversation_members me
    join conversations conversation on conversation.id = me.conversation_id
    ",
            $page,
            "
)
select
    page.kind, page.last_seq, page.read_seq, page.request,
    groups.id as group_id, groups.name as group_name, groups.avatar as group_avatar, groups.member_count,
    case when not exists (
        select from conversation_preferences hidden
        where hidden.user_id in ($1, other.user_id) and not hidden.read_receipts
    ) and not exists (
        select from blocks cut
        where (cut.blocker_id, cut.blocked_id) in (($1, other.user_id), (other.user_id, $1))
    ) then other.read_seq end as peer_read_seq,
    ",
            crate::users::person_columns!("peer", "peer"),
            ",
    (
        select count(*)
        from (
            select from messages unread
            where unread.conversation_id = page.id and unread.seq > page.read_seq and unread.sender_id <> $1
            limit 1000
        ) counted
    ) as unread_count,",
            crate::conversations::message_columns!(),
            "
from page
join messages message on message.id = page.last_message_id
join users sender on sender.id = message.sender_id
left join groups on groups.id = page.group_id
left join conversation_members other
    on other.conversation_id = page.id and other.user_id <> $1 and page.group_id is null
left join users peer on peer.id = other.user_id
order by ",
            $order
        )
    };
}

pub(super) use select_conversations;

pub(super) const LIST_CONVERSATIONS: &str = concat!(
    "with",
    select_conversations!(
        "
    where me.user_id = $1 and conversation.last_message_id < $2
        and conversation.request_to is distinct from $1
    order by conversation.last_message_id desc
    limit $3",
        "page.last_message_id desc"
    )
);

/// Those whose last message has a smaller id than `before`, the most recently active first.
pub async fn list_conversations(
    db: &Connection,
    member: UserId,
    before: i64,
    rows: i64,
) -> Result<Vec<ConversationView>, Error> {
    db.query(LIST_CONVERSATIONS, &[&member.get(), &before, &rows])
        .await
}

pub(super) const FIND_CONVERSATION: &str = concat!(
    "with",
    select_conversations!(
        "
    where me.user_id = $1 and me.conversation_id = $2 and conversation.request_to is distinct from $1",
        "page.id"
    )
);

/// One of them; `None` where there is none, or nothing in it.
pub(super) async fn find_conversation(
    db: &Connection,
    member: UserId,
    conversation: ConversationId,
) -> Result<Option<ConversationView>, Error> {
    db.query_optional(FIND_CONVERSATION, &[&member.get(), &conversation.get()])
        .await
}
