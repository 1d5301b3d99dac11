//! Events about messages.

use serde::Serialize;
use shared::{
    ids::{ConversationId, MessageId, UserId},
    wire::Channel,
};

use crate::{
    app::{
        db::{EventSpec, Tx},
        error::Error,
        time::Time,
    },
    conversations::MessageView,
    users::Person,
};

#[derive(Serialize)]
struct PrivateMessage<'a> {
    message_id: MessageId,
    conversation_id: ConversationId,
    seq: i64,
    content: &'a str,
    client_message_id: Option<&'a str>,
    sender: &'a Person,
    created_at: Time,
}

/// `private_message`: for the recipient, and for every device of the sender.
pub(super) fn private_message(
    tx: &mut Tx,
    message: &MessageView,
    recipient: UserId,
) -> Result<(), Error> {
    let sender = &message.sender;
    tx.event(&EventSpec {
        channels: &[Channel::User(recipient), Channel::User(sender.id)],
        kind: "private_message",
        from: Some(sender.id),
        to: Some(recipient),
        group: None,
        data: &PrivateMessage {
            message_id: message.id,
            conversation_id: message.conversation_id,
            seq: message.seq,
            content: &message.content,
            client_message_id: message.client_message_id.as_deref(),
            sender,
            created_at: message.created_at,
        },
    })
}
