//! Statements about the tables `conversations` and `conversation_members`, and readings of `messages`.

use shared::{
    ids::{ConversationId, UserId},
    wire::Channel,
};

use super::{
    changes, list,
    message::{MessageView, message_columns},
};
use crate::app::{
    db::{Connection, FromRow, InvalidRow, Parameters, Row},
    error::Error,
    time::Time,
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    FIND_DIRECT,
    FIND_OTHER_MEMBER,
    IS_MEMBER,
    IS_HEARD_BY,
    OPEN_DIRECT,
    list::LIST_CONVERSATIONS,
    list::FIND_CONVERSATION,
    changes::LIST_CHANGED_MESSAGES,
    changes::LIST_CHANGED_CONVERSATIONS,
    changes::LIST_JOINED,
    changes::COUNT_REQUESTS,
    LIST_MESSAGES_AFTER,
    LIST_MESSAGES_BEFORE,
    LOCK_MARKER,
    COUNT_UNREAD,
    MOVE_MARKER,
    LIST_LISTENERS,
    super::readers::FIND_SIGHT,
    super::readers::LIST_READERS,
    FIND_READ_RECEIPTS,
    SET_READ_RECEIPTS,
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
join conversations conversation on conversation.id = me.conversation_id and conversation.kind = 'direct'
join conversation_members other on other.conversation_id = me.conversation_id
where me.conversation_id = $1 and me.user_id = $2 and other.user_id <> $2";

/// The other one of a direct conversation; `None` if the caller is not a member, or it is another.
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
pub async fn is_member(
    db: &Connection,
    conversation: ConversationId,
    user: UserId,
) -> Result<bool, Error> {
    db.query_one(IS_MEMBER, &[&conversation.get(), &user.get()])
        .await
}

const IS_HEARD_BY: &str = "
select exists (
    select from conversation_members member
    join conversations conversation on conversation.id = member.conversation_id
    where member.conversation_id = $1 and member.user_id = $2
        and conversation.request_to is distinct from $2
)";

/// Whether the user hears what is written there: a member, who has not still to accept the conversation.
pub async fn is_heard_by(
    db: &Connection,
    conversation: ConversationId,
    user: UserId,
) -> Result<bool, Error> {
    db.query_one(IS_HEARD_BY, &[&conversation.get(), &user.get()])
        .await
}

// Whoever comes second to a new pair gets the first one's row. "do nothing" would return no row; the update that changes
// nothing does, and takes the lock that the message is about to take anyway.
const OPEN_DIRECT: &str = "
with conversation as (
    insert into conversations (kind, first_user_id, second_user_id, request_status, request_to, created_at)
    values (
        'direct', least($1::bigint, $2), greatest($1::bigint, $2),
        case when $4 then 'pending' end, case when $4 then $2 end, $3
    )
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

/// The direct conversation of two different people, made if there is none; then, perhaps, as one that the other person
/// must accept first.
pub async fn open_direct(
    db: &Connection,
    (opener, other): (UserId, UserId),
    is_request: bool,
    now: Time,
) -> Result<ConversationId, Error> {
    let parameters: Parameters<'_> = &[&opener.get(), &other.get(), &now.0, &is_request];
    db.query_one(OPEN_DIRECT, parameters).await
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
limit $3 offset $4"
);

/// The messages that precede a `seq`, newest first.
pub(super) async fn list_messages_before(
    db: &Connection,
    conversation: ConversationId,
    seq: i64,
    (rows, offset): (i64, i64),
) -> Result<Vec<MessageView>, Error> {
    let parameters: Parameters<'_> = &[&conversation.get(), &seq, &rows, &offset];
    db.query(LIST_MESSAGES_BEFORE, parameters).await
}

/// How far a member has read, and what bounds it.
#[derive(Debug)]
pub(super) struct Marker {
    pub(super) read_seq: i64,
    pub(super) last_seq: i64,
    /// Nobody has accepted the conversation yet.
    pub(super) is_request: bool,
    /// Who hears of it: the reader, and with whom the reader shares receipts.
    pub(super) listeners: Vec<UserId>,
}

impl FromRow for Marker {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            read_seq: row.get("read_seq")?,
            last_seq: row.get("last_seq")?,
            is_request: row.get("is_request")?,
            listeners: row.get("listeners")?,
        })
    }
}

const LOCK_MARKER: &str = "
select
    me.read_seq,
    conversation.last_seq,
    conversation.request_to is not null as is_request,
    array(
        select member.user_id
        from conversation_members member
        where member.conversation_id = $1 and (
            member.user_id = $2
            -- A large group shows to nobody who has read what.
            or coalesce(groups.member_count <= 100, true) and not exists (
                select from conversation_preferences hidden
                where hidden.user_id in ($2, member.user_id) and not hidden.read_receipts
            ) and not exists (
                select from blocks cut
                where (cut.blocker_id, cut.blocked_id) in (($2, member.user_id), (member.user_id, $2))
            )
        )
    ) as listeners
from conversation_members me
join conversations conversation on conversation.id = me.conversation_id
left join groups on groups.id = conversation.group_id
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

const COUNT_UNREAD: &str = "
select count(*)
from (
    select from messages
    where conversation_id = $1 and seq > $3 and seq <= $4 and sender_id <> $2
    limit 1000
) counted";

/// How many messages of others are after the first `seq` and not after the second; counted up to 1000.
pub(super) async fn count_unread(
    db: &Connection,
    conversation: ConversationId,
    reader: UserId,
    (after, through): (i64, i64),
) -> Result<i64, Error> {
    let parameters: Parameters<'_> = &[&conversation.get(), &reader.get(), &after, &through];
    db.query_one(COUNT_UNREAD, parameters).await
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

const LIST_LISTENERS: &str = "
select 'user:' || member.user_id as channel
from conversation_members member
join conversations conversation on conversation.id = member.conversation_id
where conversation.id = $1 and conversation.kind = 'direct'
    -- Who has turned a request down hears no more of it.
    and (conversation.request_status is distinct from 'rejected' or conversation.request_to <> member.user_id)
union all
select 'group:' || chat.group_id
from conversations chat
where chat.id = $1 and chat.kind = 'group'";

/// Where a change in the conversation is heard: the channels of its people, or the one of its group.
pub async fn list_listeners(
    db: &Connection,
    conversation: ConversationId,
) -> Result<Vec<Channel>, Error> {
    let channels: Vec<String> = db.query(LIST_LISTENERS, &[&conversation.get()]).await?;
    let channels = channels.iter().map(|channel| channel.parse());
    channels.collect::<Result<_, _>>().map_err(Error::internal)
}

const FIND_READ_RECEIPTS: &str = "
select coalesce((select read_receipts from conversation_preferences where user_id = $1), true)";

/// Whether the person shows how far they have read, and sees it of others.
pub(super) async fn find_read_receipts(db: &Connection, user: UserId) -> Result<bool, Error> {
    db.query_one(FIND_READ_RECEIPTS, &[&user.get()]).await
}

const SET_READ_RECEIPTS: &str = "
insert into conversation_preferences (user_id, read_receipts)
values ($1, $2)
on conflict (user_id) do update set read_receipts = $2
where conversation_preferences.read_receipts <> $2";

/// Shows or hides it, from now on and for what was read before; false if that was so before.
pub(super) async fn set_read_receipts(
    db: &Connection,
    user: UserId,
    read_receipts: bool,
) -> Result<bool, Error> {
    let changed = db
        .execute(SET_READ_RECEIPTS, &[&user.get(), &read_receipts])
        .await?;
    Ok(changed == 1)
}
