//! Events about conversations.

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{ConversationId, UserId},
    wire::Channel,
};

use crate::app::{
    db::{EventSpec, Tx},
    error::Error,
    event_type::EventType,
};

pub(super) const MESSAGE_READ: EventType =
    EventType::durable::<MessageRead>("message_read", "Somebody's read marker moved.");
pub(super) const PREFERENCES_CHANGED: EventType = EventType::durable::<Preferences>(
    "conversation_preferences_changed",
    "The recipient's own switch for read receipts.",
);

#[derive(Serialize, JsonSchema)]
struct MessageRead {
    conversation_id: ConversationId,
    user_id: UserId,
    seq: i64,
    last_seq: i64,
    unread_count: i64,
}

/// What is left to read, as somebody saw it who may have been overtaken since.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unread {
    /// The last message that was counted.
    pub(super) last_seq: i64,
    /// Messages of others up to it; counted up to 1000.
    pub(super) count: i64,
}

/// `message_read`: somebody has read up to `seq`. The reader's own devices are among the listeners.
pub(super) fn message_read(
    tx: &mut Tx,
    conversation_id: ConversationId,
    reader: UserId,
    (seq, unread): (i64, Unread),
    listeners: &[UserId],
) -> Result<(), Error> {
    let channels: Vec<Channel> = listeners.iter().copied().map(Channel::User).collect();
    tx.event(&EventSpec {
        channels: &channels,
        kind: MESSAGE_READ,
        from: Some(reader),
        to: None,
        group: None,
        data: &MessageRead {
            conversation_id,
            user_id: reader,
            seq,
            last_seq: unread.last_seq,
            unread_count: unread.count,
        },
    })
}

#[derive(Serialize, JsonSchema)]
struct Preferences {
    read_receipts: bool,
}

/// `conversation_preferences_changed`: for the person's own devices. Switched off, `peer_read_seq` is null everywhere from
/// then on; switched on, it is to be fetched.
pub(super) fn preferences_changed(
    tx: &mut Tx,
    user: UserId,
    read_receipts: bool,
) -> Result<(), Error> {
    tx.event(&EventSpec {
        channels: &[Channel::User(user)],
        kind: PREFERENCES_CHANGED,
        from: Some(user),
        to: Some(user),
        group: None,
        data: &Preferences { read_receipts },
    })
}
