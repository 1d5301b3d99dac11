//! What recipients of messages are told.

use serde_json::json;
use shared::ids::{ConversationId, UserId};

use super::requests;
use crate::{
    app::{
        db::Tx,
        error::Error,
        notification_type::{Folding, NotificationType},
    },
    conversations::{self, MessageView},
    notifications::{MENTION, NewNotification, find_mentioned, notify, settle},
};

/// What this feature tells people of.
pub(super) static TYPES: &[&NotificationType] = &[&MESSAGE, &MESSAGE_REQUEST];

static MESSAGE: NotificationType =
    NotificationType::new("message", "New messages").folded(Folding::Once);

static MESSAGE_REQUEST: NotificationType =
    NotificationType::new("message_request", "Message request")
        .answered_by(|tx, answered| Box::pin(requests::answer_notification(tx, answered)));

/// Somebody has written: once until it is read. A message that mentions its recipient says so instead.
pub(super) async fn message(
    tx: &mut Tx,
    message: &MessageView,
    recipient: UserId,
) -> Result<(), Error> {
    let mentioned = find_mentioned(tx, &message.content).await?;
    if mentioned.iter().any(|person| person.id == recipient) {
        return mention(tx, message, recipient).await;
    }
    let conversation = message.conversation_id;
    let notification = NewNotification {
        to: recipient,
        actor: message.sender.id,
        kind: &MESSAGE,
        message: format!("{} wrote to you", message.sender.display_name()),
        related_id: Some(conversation.get()),
        data: json!({ "conversation_id": conversation }),
    };
    notify(tx, notification).await
}

/// Members of an open conversation whom a message mentions since it was edited, and did not before.
pub(super) async fn new_mentions(
    tx: &mut Tx,
    message: &MessageView,
    before: &str,
) -> Result<(), Error> {
    let already = find_mentioned(tx, before).await?;
    for person in find_mentioned(tx, &message.content).await? {
        let reads = conversations::is_heard_by(tx, message.conversation_id, person.id);
        if !already.contains(&person) && reads.await? {
            mention(tx, message, person.id).await?;
        }
    }
    Ok(())
}

/// Members of a group whom a message in its chat mentions. The others hear it only where they listen.
pub(super) async fn group_mentions(tx: &mut Tx, message: &MessageView) -> Result<(), Error> {
    for person in find_mentioned(tx, &message.content).await? {
        if conversations::is_member(tx, message.conversation_id, person.id).await? {
            mention(tx, message, person.id).await?;
        }
    }
    Ok(())
}

async fn mention(tx: &mut Tx, message: &MessageView, to: UserId) -> Result<(), Error> {
    let notification = NewNotification {
        to,
        actor: message.sender.id,
        kind: &MENTION,
        message: format!(
            "{} mentioned you in a message",
            message.sender.display_name()
        ),
        related_id: Some(message.id.get()),
        data: json!({ "conversation_id": message.conversation_id, "message_id": message.id }),
    };
    notify(tx, notification).await
}

/// Somebody wants to write. `POST /messages/requests` answers it.
pub(super) async fn message_request(
    tx: &mut Tx,
    message: &MessageView,
    recipient: UserId,
) -> Result<(), Error> {
    let conversation = message.conversation_id;
    let notification = NewNotification {
        to: recipient,
        actor: message.sender.id,
        kind: &MESSAGE_REQUEST,
        message: format!("{} wants to write to you", message.sender.display_name()),
        related_id: Some(conversation.get()),
        data: json!({
            "conversation_id": conversation,
            "request_id": conversation,
            "actions": ["accept", "reject"],
        }),
    };
    notify(tx, notification).await
}

/// The request was answered.
pub(super) async fn settle_request(
    tx: &mut Tx,
    conversation: ConversationId,
    asked: UserId,
) -> Result<(), Error> {
    settle(tx, asked, &MESSAGE_REQUEST.name, conversation.get()).await
}
