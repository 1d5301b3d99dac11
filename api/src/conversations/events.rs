//! Events about conversations.

use serde::Serialize;
use shared::{
    ids::{ConversationId, UserId},
    wire::Channel,
};

use crate::app::{
    db::{EventSpec, Tx},
    error::Error,
};

#[derive(Serialize)]
struct MessageRead {
    conversation_id: ConversationId,
    user_id: UserId,
    seq: i64,
}

/// `message_read`: somebody has read up to `seq`. The reader's own devices are among the listeners.
pub(super) fn message_read(
    tx: &mut Tx,
    conversation_id: ConversationId,
    reader: UserId,
    seq: i64,
    listeners: &[UserId],
) -> Result<(), Error> {
    let channels: Vec<Channel> = listeners.iter().copied().map(Channel::User).collect();
    tx.event(&EventSpec {
        channels: &channels,
        kind: "message_read",
        from: Some(reader),
        to: None,
        group: None,
        data: &MessageRead {
            conversation_id,
            user_id: reader,
            seq,
        },
    })
}
