//! A message as everybody sees it: in lists, in the history, in the answer to its sender.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::{ConversationId, MessageId};

use crate::{
    app::{
        db::{FromRow, InvalidRow, Row},
        time::Time,
    },
    users::Person,
};

/// A message.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MessageView {
    /// Its id.
    pub id: MessageId,
    /// Where it was written.
    pub conversation_id: ConversationId,
    /// Its place in the conversation, from 1, without holes: the order of messages.
    pub seq: i64,
    /// Who wrote it.
    pub sender: Person,
    /// The text, as it was given.
    pub content: String,
    /// What the sender's client calls it.
    pub client_message_id: Option<String>,
    /// When it was written.
    pub created_at: Time,
    /// When its text was last changed.
    pub edited_at: Option<Time>,
    /// When it was deleted; its text is empty since.
    pub deleted_at: Option<Time>,
}

impl FromRow for MessageView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("message_id")?,
            conversation_id: row.get("conversation_id")?,
            seq: row.get("seq")?,
            sender: Person::from_columns(row, "sender")?,
            content: row.get("content")?,
            client_message_id: row.get("client_message_id")?,
            created_at: row.get("created_at")?,
            edited_at: row.get("edited_at")?,
            deleted_at: row.get("deleted_at")?,
        })
    }
}

/// The columns that a [`MessageView`] is read from, out of `message` and the `sender`'s row of `users`.
macro_rules! message_columns {
    () => {
        concat!(
            "
    message.id as message_id, message.conversation_id, message.seq, message.content,
    message.client_message_id, message.created_at, message.edited_at, message.deleted_at,
    ",
            crate::users::person_columns!("sender", "sender")
        )
    };
}

pub(crate) use message_columns;
