//! Statements that store messages.

use shared::ids::{ConversationId, UserId};

use super::send::{NewMessage, Sent};
use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Parameters, Row},
        error::Error,
        time::Time,
    },
    conversations::{MessageView, message_columns},
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[STORE_MESSAGE, FIND_BY_CLIENT_MESSAGE_ID];

impl FromRow for Sent {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            message: MessageView::from_row(row)?,
            is_new: row.get("is_new")?,
        })
    }
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
    returning id, last_seq, last_message_id
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
select message.is_new,",
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
) -> Result<Option<Sent>, Error> {
    let parameters: Parameters<'_> = &[
        &conversation.get(),
        &sender.get(),
        &message.content,
        &message.client_message_id,
        &now.0,
    ];
    db.query_optional(STORE_MESSAGE, parameters).await
}

const FIND_BY_CLIENT_MESSAGE_ID: &str = concat!(
    "
select",
    message_columns!(),
    "
from messages message
join users sender on sender.id = message.sender_id
where message.sender_id = $1 and message.client_message_id = $2"
);

/// The message that the sender's client calls so.
pub(super) async fn find_by_client_message_id(
    db: &Connection,
    sender: UserId,
    client_message_id: &str,
) -> Result<Option<MessageView>, Error> {
    let parameters: Parameters<'_> = &[&sender.get(), &client_message_id];
    db.query_optional(FIND_BY_CLIENT_MESSAGE_ID, parameters)
        .await
}
