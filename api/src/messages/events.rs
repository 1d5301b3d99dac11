//! Events about messages.

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{ConversationId, GroupId, MessageId, UserId},
    wire::Channel,
};

use crate::{
    app::{
        db::{EventSpec, Tx},
        error::Error,
        event_type::EventType,
        time::Time,
    },
    conversations::MessageView,
    users::Person,
};

/// All of them.
pub(super) const TYPES: &[EventType] = &[
    PRIVATE_MESSAGE,
    GROUP_MESSAGE,
    MESSAGE_REQUEST,
    REQUEST_ACCEPTED,
    REQUEST_REJECTED,
    MESSAGE_EDITED,
    MESSAGE_DELETED,
];

const PRIVATE_MESSAGE: EventType = EventType::durable::<MessageData<'static>>(
    "private_message",
    "A message in a direct conversation, on both people's devices.",
);
const GROUP_MESSAGE: EventType =
    EventType::durable::<MessageData<'static>>("group_message", "A message in a group's chat.");
const MESSAGE_REQUEST: EventType = EventType::durable::<MessageData<'static>>(
    "message_request",
    "A message that waits for the recipient's consent.",
);
const REQUEST_ACCEPTED: EventType = EventType::durable::<RequestAnswered>(
    "message_request_accepted",
    "A conversation is open; what waited follows.",
);
const REQUEST_REJECTED: EventType = EventType::durable::<RequestAnswered>(
    "message_request_rejected",
    "The recipient, on another device, wants no messages from somebody.",
);
const MESSAGE_EDITED: EventType =
    EventType::durable::<Changed<'static>>("message_edited", "A message says something else.");
const MESSAGE_DELETED: EventType =
    EventType::durable::<Changed<'static>>("message_deleted", "A message is empty from now on.");

#[derive(Serialize, JsonSchema)]
struct MessageData<'a> {
    message_id: MessageId,
    conversation_id: ConversationId,
    seq: i64,
    content: &'a str,
    client_message_id: Option<&'a str>,
    sender: &'a Person,
    created_at: Time,
    /// The group in whose chat it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<GroupId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Time>,
    /// `pending` while the recipient has not accepted the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'static str>,
}

impl<'a> MessageData<'a> {
    fn new(message: &'a MessageView) -> Self {
        Self {
            message_id: message.id,
            conversation_id: message.conversation_id,
            seq: message.seq,
            content: &message.content,
            client_message_id: message.client_message_id.as_deref(),
            sender: &message.sender,
            created_at: message.created_at,
            group_id: None,
            edited_at: message.edited_at,
            deleted_at: message.deleted_at,
            request: None,
        }
    }
}

/// `group_message`: one event for all members, the sender's devices among them.
pub(super) fn group_message(
    tx: &mut Tx,
    group_id: GroupId,
    message: &MessageView,
) -> Result<(), Error> {
    let data = MessageData {
        group_id: Some(group_id),
        ..MessageData::new(message)
    };
    tx.event(&EventSpec {
        channels: &[Channel::Group(group_id)],
        kind: GROUP_MESSAGE,
        from: Some(message.sender.id),
        to: None,
        group: Some(group_id),
        data: &data,
    })
}

/// `private_message`: for the recipient, and for every device of the sender.
pub(super) fn private_message(
    tx: &mut Tx,
    message: &MessageView,
    recipient: UserId,
) -> Result<(), Error> {
    let data = MessageData::new(message);
    let channels = [Channel::User(recipient), Channel::User(message.sender.id)];
    tx.event(&spec(PRIVATE_MESSAGE, &channels, recipient, &data))
}

/// A message that waits for its recipient's consent: `private_message` for the sender's devices, `message_request` for
/// the recipient's.
pub(super) fn waiting_message(
    tx: &mut Tx,
    message: &MessageView,
    recipient: UserId,
) -> Result<(), Error> {
    let data = MessageData {
        request: Some("pending"),
        ..MessageData::new(message)
    };
    let channels = [Channel::User(message.sender.id)];
    tx.event(&spec(PRIVATE_MESSAGE, &channels, recipient, &data))?;
    let channels = [Channel::User(recipient)];
    tx.event(&spec(MESSAGE_REQUEST, &channels, recipient, &data))
}

/// `private_message`, for the recipient alone: what has waited is delivered.
pub(super) fn delivered_message(
    tx: &mut Tx,
    message: &MessageView,
    recipient: UserId,
) -> Result<(), Error> {
    let data = MessageData::new(message);
    let channels = [Channel::User(recipient)];
    tx.event(&spec(PRIVATE_MESSAGE, &channels, recipient, &data))
}

fn spec<'a>(
    kind: EventType,
    channels: &'a [Channel],
    recipient: UserId,
    data: &'a MessageData<'a>,
) -> EventSpec<'a, MessageData<'a>> {
    EventSpec {
        channels,
        kind,
        from: Some(data.sender.id),
        to: Some(recipient),
        group: None,
        data,
    }
}

#[derive(Serialize, JsonSchema)]
struct Changed<'a> {
    message_id: MessageId,
    conversation_id: ConversationId,
    seq: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Time>,
}

/// `message_edited`: a message says something else.
pub(super) fn message_edited(
    tx: &mut Tx,
    message: &MessageView,
    listeners: &[Channel],
) -> Result<(), Error> {
    let data = Changed {
        message_id: message.id,
        conversation_id: message.conversation_id,
        seq: message.seq,
        content: Some(&message.content),
        edited_at: message.edited_at,
        deleted_at: None,
    };
    tell(tx, MESSAGE_EDITED, message.sender.id, listeners, &data)
}

/// `message_deleted`: a message is empty from now on.
pub(super) fn message_deleted(
    tx: &mut Tx,
    message: &MessageView,
    listeners: &[Channel],
) -> Result<(), Error> {
    let data = Changed {
        message_id: message.id,
        conversation_id: message.conversation_id,
        seq: message.seq,
        content: None,
        edited_at: None,
        deleted_at: message.deleted_at,
    };
    tell(tx, MESSAGE_DELETED, message.sender.id, listeners, &data)
}

#[derive(Serialize, JsonSchema)]
struct RequestAnswered {
    conversation_id: ConversationId,
    user_id: UserId,
    /// It had been turned down, and was not waiting any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    was_rejected: Option<bool>,
}

/// `message_request_accepted`: the conversation is open, for both of its people.
pub(super) fn request_accepted(
    tx: &mut Tx,
    conversation_id: ConversationId,
    (asked, was_rejected): (UserId, bool),
    members: &[Channel],
) -> Result<(), Error> {
    let data = RequestAnswered {
        conversation_id,
        user_id: asked,
        was_rejected: was_rejected.then_some(true),
    };
    tell(tx, REQUEST_ACCEPTED, asked, members, &data)
}

/// `message_request_rejected`: for the devices of the one who rejected. The other one learns it by the next attempt.
pub(super) fn request_rejected(
    tx: &mut Tx,
    conversation_id: ConversationId,
    asked: UserId,
) -> Result<(), Error> {
    let data = RequestAnswered {
        conversation_id,
        user_id: asked,
        was_rejected: None,
    };
    tell(tx, REQUEST_REJECTED, asked, &[Channel::User(asked)], &data)
}

fn tell<T: Serialize + JsonSchema>(
    tx: &mut Tx,
    kind: EventType,
    from: UserId,
    listeners: &[Channel],
    data: &T,
) -> Result<(), Error> {
    let group = listeners.iter().find_map(|channel| match channel {
        Channel::Group(group) => Some(*group),
        _ => None,
    });
    tx.event(&EventSpec {
        channels: listeners,
        kind,
        from: Some(from),
        to: None,
        group,
        data,
    })
}
