//! Statements that store messages.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::{ConversationId, MessageId, UserId};

use super::{
    reach::queries as reach,
    send::{NewMessage, Request, Stored},
};
use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Parameters, Row},
        error::Error,
        time::Time,
    },
    conversations::{MessageView, message_columns},
    users::Person,
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    STORE_MESSAGE,
    FIND_REPEATED,
    LOCK_MESSAGE,
    EDIT_MESSAGE,
    DELETE_MESSAGE,
    OPEN_REQUEST,
    REJECT_REQUEST,
    LIST_WAITING,
    LIST_REQUESTS,
    reach::IS_REQUEST,
    reach::COUNT_MEMBERS,
    reach::SHARE_CONVERSATION,
];

impl FromRow for Stored {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        let to: Option<UserId> = row.get("request_to")?;
        let is_rejected: bool = row.get("is_rejected")?;
        Ok(Self {
            message: MessageView::from_row(row)?,
            is_new: row.get("is_new")?,
            is_same: row.get("is_same")?,
            request: to.map(|to| Request { to, is_rejected }),
        })
    }
}

/// Whether `message` is what was sent, in the conversation `$1` with the text `$3`.
macro_rules! is_same {
    () => {
        "message.conversation_id = $1 and
            coalesce(message.sent_digest, sha256(convert_to(message.content, 'UTF8')))
            = sha256(convert_to($3::text, 'UTF8'))"
    };
}

// The lock on the conversation's row is held to the commit, so that the next number is given out after this one is
// visible. A repetition takes none; one that is under way at the same moment is only seen when the row is inserted: then
// nothing is returned, and the number goes back with the transaction.
const STORE_MESSAGE: &str = concat!(
    "
with repeated as (
    select * from messages where sender_id = $2 and client_message_id = $4
),
conversation as (
    update conversations
    set last_seq = last_seq + 1, last_message_id = nextval('messages_id_seq')
    where id = $1 and not exists (select from repeated)
    returning id, last_seq, last_message_id, request_to, request_status
),
stored as (
    insert into messages (id, conversation_id, seq, sender_id, content, client_message_id, created_at)
    select last_message_id, id, last_seq, $2, $3, $4, $5 from conversation
    on conflict on constraint message_client_id_unique do nothing
    returning *
),
message as (
    select true as is_new, * from stored
    union all
    select false, * from repeated
)
select
    message.is_new, ",
    is_same!(),
    " as is_same,
    (select request_to from conversation) as request_to,
    coalesce((select request_status = 'rejected' from conversation), false) as is_rejected,",
    message_columns!(),
    "
from message
join users sender on sender.id = message.sender_id"
);

/// Stores the message with the conversation's next number, or finds the one that was stored before under the same
/// `client_message_id`. `None` if that one was stored at the same moment: then the transaction must end without a commit.
pub(super) async fn store_message(
    db: &Connection,
    conversation: ConversationId,
    sender: UserId,
    message: &NewMessage,
    now: Time,
) -> Result<Option<Stored>, Error> {
    let parameters: Parameters<'_> = &[
        &conversation.get(),
        &sender.get(),
        &message.content,
        &message.client_message_id,
        &now.0,
    ];
    db.query_optional(STORE_MESSAGE, parameters).await
}

const FIND_REPEATED: &str = concat!(
    "
select
    false as is_new, ",
    is_same!(),
    " as is_same, null::bigint as request_to, false as is_rejected,",
    message_columns!(),
    "
from messages message
join users sender on sender.id = message.sender_id
where message.sender_id = $2 and message.client_message_id = $4"
);

/// The message that the sender's client calls so.
pub(super) async fn find_repeated(
    db: &Connection,
    conversation: ConversationId,
    sender: UserId,
    message: &NewMessage,
) -> Result<Option<Stored>, Error> {
    let parameters: Parameters<'_> = &[
        &conversation.get(),
        &sender.get(),
        &message.content,
        &message.client_message_id,
    ];
    db.query_optional(FIND_REPEATED, parameters).await
}

// The share of the conversation keeps a request from being opened meanwhile, which would deliver the text of before.
const LOCK_MESSAGE: &str = concat!(
    "
with conversation as (
    select conversation.id
    from conversations conversation
    join conversation_members me on me.conversation_id = conversation.id and me.user_id = $2
    where conversation.id = (select conversation_id from messages where id = $1)
    for share of conversation
),
message as (
    select message.*
    from messages message
    join conversation on conversation.id = message.conversation_id
    where message.id = $1
    for update of message
)
select",
    message_columns!(),
    "
from message
join users sender on sender.id = message.sender_id"
);

/// A message that the reader may see, which nobody else changes before the transaction's end.
pub(super) async fn lock_message(
    db: &Connection,
    message: MessageId,
    reader: UserId,
) -> Result<Option<MessageView>, Error> {
    db.query_optional(LOCK_MESSAGE, &[&message.get(), &reader.get()])
        .await
}

const EDIT_MESSAGE: &str = concat!(
    "
with message as (
    update messages
    set content = $2, edited_at = $3, sent_digest = coalesce(sent_digest, sha256(convert_to(content, 'UTF8')))
    where id = $1
    returning *
)
select",
    message_columns!(),
    "
from message
join users sender on sender.id = message.sender_id"
);

/// Changes the text.
pub(super) async fn edit_message(
    db: &Connection,
    message: MessageId,
    content: &str,
    now: Time,
) -> Result<MessageView, Error> {
    db.query_one(EDIT_MESSAGE, &[&message.get(), &content, &now.0])
        .await
}

const DELETE_MESSAGE: &str = concat!(
    "
with message as (
    update messages
    set content = '', deleted_at = $2, sent_digest = coalesce(sent_digest, sha256(convert_to(content, 'UTF8')))
    where id = $1
    returning *
)
select",
    message_columns!(),
    "
from message
join users sender on sender.id = message.sender_id"
);

/// Empties it.
pub(super) async fn delete_message(
    db: &Connection,
    message: MessageId,
    now: Time,
) -> Result<MessageView, Error> {
    db.query_one(DELETE_MESSAGE, &[&message.get(), &now.0])
        .await
}

const OPEN_REQUEST: &str = "
with asked as (
    select id, request_status = 'rejected' as was_rejected
    from conversations
    where id = $1 and request_to = $2
    for no key update
),
-- What was written in between was not heard.
heard as (
    update conversation_members
    set joined_in = pg_current_xact_id()
    from asked
    where conversation_id = asked.id and user_id = $2 and was_rejected
)
update conversations
set request_status = null, request_to = null
from asked
where conversations.id = asked.id
returning was_rejected";

/// Ends a request by opening the conversation, and says whether it had been turned down; `None` if this person was not
/// asked.
pub(super) async fn open_request(
    db: &Connection,
    conversation: ConversationId,
    asked: UserId,
) -> Result<Option<bool>, Error> {
    db.query_optional(OPEN_REQUEST, &[&conversation.get(), &asked.get()])
        .await
}

const REJECT_REQUEST: &str = "
update conversations
set request_status = 'rejected'
where id = $1 and request_to = $2 and request_status = 'pending'";

/// Turns a request down; false if this person was not asked, or has answered.
pub(super) async fn reject_request(
    db: &Connection,
    conversation: ConversationId,
    asked: UserId,
) -> Result<bool, Error> {
    let changed = db
        .execute(REJECT_REQUEST, &[&conversation.get(), &asked.get()])
        .await?;
    Ok(changed == 1)
}

const LIST_WAITING: &str = concat!(
    "
select",
    message_columns!(),
    "
from messages message
join users sender on sender.id = message.sender_id
where message.conversation_id = $1 and message.seq < $2
order by message.seq"
);

/// The messages of a request, oldest first: a few, by the rule about how many may wait.
pub(super) async fn list_waiting(
    db: &Connection,
    conversation: ConversationId,
    before: i64,
) -> Result<Vec<MessageView>, Error> {
    db.query(LIST_WAITING, &[&conversation.get(), &before])
        .await
}

/// A request as the person who is asked sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RequestView {
    pub(super) conversation_id: ConversationId,
    sender: Person,
    message_count: i64,
    last_message: MessageView,
    created_at: Time,
}

impl FromRow for RequestView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        let last_message = MessageView::from_row(row)?;
        Ok(Self {
            conversation_id: row.get("conversation_id")?,
            sender: last_message.sender.clone(),
            message_count: row.get("last_seq")?,
            created_at: row.get("requested_at")?,
            last_message,
        })
    }
}

const LIST_REQUESTS: &str = concat!(
    "
select conversation.last_seq, conversation.created_at as requested_at,",
    message_columns!(),
    "
from conversations conversation
join messages message on message.id = conversation.last_message_id
join users sender on sender.id = message.sender_id
where conversation.request_to = $1 and conversation.request_status = 'pending' and conversation.id < $2
order by conversation.id desc
limit $3"
);

/// Those that wait for this person's answer, the newest first, from before the conversation `before`.
pub(super) async fn list_requests(
    db: &Connection,
    asked: UserId,
    before: i64,
    rows: i64,
) -> Result<Vec<RequestView>, Error> {
    db.query(LIST_REQUESTS, &[&asked.get(), &before, &rows])
        .await
}
