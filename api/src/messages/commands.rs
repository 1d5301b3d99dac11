//! Socket commands that send messages.

use schemars::JsonSchema;
use serde::Deserialize;
use shared::ids::{ConversationId, GroupId, UserId};

use super::send::{self, NewMessage, Target};
use crate::{
    app::{
        App,
        commands::Command,
        error::Error,
        http::{
            SignedIn,
            json::{Input, Wrong},
        },
    },
    conversations::MessageView,
};

pub(super) fn commands() -> Vec<Command> {
    vec![
        Command::new("private", send_private),
        Command::new("group", send_to_group),
        Command::new("message", send_to_conversation),
    ]
}

/// Sends a message to a person, as `POST /messages`.
#[derive(Deserialize, JsonSchema)]
struct SendPrivate {
    to: UserId,
    content: String,
    client_message_id: Option<String>,
}

impl Input for SendPrivate {
    fn check(&self, wrong: &mut Wrong) {
        send::check_texts(wrong, &self.content, self.client_message_id.as_deref());
    }
}

async fn send_private(
    app: App,
    caller: SignedIn,
    command: SendPrivate,
) -> Result<MessageView, Error> {
    let message = NewMessage {
        target: Target::Person(command.to),
        content: command.content,
        client_message_id: command.client_message_id,
    };
    let sent = send::send(&app, caller.user_id, &message).await?;
    Ok(sent.message)
}

/// Sends a message to a group.
#[derive(Deserialize, JsonSchema)]
struct SendToGroup {
    group_id: GroupId,
    content: String,
    client_message_id: Option<String>,
}

impl Input for SendToGroup {
    fn check(&self, wrong: &mut Wrong) {
        send::check_texts(wrong, &self.content, self.client_message_id.as_deref());
    }
}

async fn send_to_group(
    app: App,
    caller: SignedIn,
    command: SendToGroup,
) -> Result<MessageView, Error> {
    let message = NewMessage {
        target: Target::Group(command.group_id),
        content: command.content,
        client_message_id: command.client_message_id,
    };
    let sent = send::send(&app, caller.user_id, &message).await?;
    Ok(sent.message)
}

/// Sends a message into a conversation.
#[derive(Deserialize, JsonSchema)]
struct SendToConversation {
    conversation_id: ConversationId,
    content: String,
    client_message_id: Option<String>,
}

impl Input for SendToConversation {
    fn check(&self, wrong: &mut Wrong) {
        send::check_texts(wrong, &self.content, self.client_message_id.as_deref());
    }
}

async fn send_to_conversation(
    app: App,
    caller: SignedIn,
    command: SendToConversation,
) -> Result<MessageView, Error> {
    let message = NewMessage {
        target: Target::Conversation(command.conversation_id),
        content: command.content,
        client_message_id: command.client_message_id,
    };
    let sent = send::send(&app, caller.user_id, &message).await?;
    Ok(sent.message)
}
