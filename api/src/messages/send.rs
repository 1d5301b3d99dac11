//! Sending: for the route and the socket commands alike.

use shared::{
    ids::{ConversationId, UserId},
    wire::Code,
};

use super::{events, queries};
use crate::{
    app::{App, db::Tx, error::Error, http::json::Wrong},
    conversations::{self, MessageView},
    users,
};

/// Characters of a message at most.
const CONTENT_LENGTH_MAX: usize = 10_000;
/// Characters of a client's own name for a message at most.
const CLIENT_MESSAGE_ID_LENGTH_MAX: usize = 128;

/// What is to be sent.
#[derive(Debug)]
pub(super) struct NewMessage {
    pub(super) target: Target,
    pub(super) content: String,
    /// A repetition is known by it.
    pub(super) client_message_id: Option<String>,
}

/// Where to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    /// The direct conversation with this person, opened if there is none.
    Person(UserId),
    /// A conversation that the sender is a member of.
    Conversation(ConversationId),
}

/// What every way to send a message checks of its texts.
pub(super) fn check_texts(wrong: &mut Wrong, content: &str, client_message_id: Option<&str>) {
    wrong.unless_text("content", content, CONTENT_LENGTH_MAX);
    if let Some(id) = client_message_id {
        wrong.unless_length("client_message_id", id, 1..=CLIENT_MESSAGE_ID_LENGTH_MAX);
    }
}

/// A message that is stored.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) message: MessageView,
    /// Stored by this call; if not, by an earlier one.
    pub(super) is_new: bool,
}

/// Stores the message and tells both people, or finds that it was sent before.
pub(super) async fn send(app: &App, sender: UserId, message: &NewMessage) -> Result<Sent, Error> {
    let mut tx = app.begin().await?;
    let (conversation, recipient) = find_conversation(&tx, sender, message.target).await?;
    let stored = queries::store_message(&tx, conversation, sender, message, app.now()).await?;
    match stored {
        Some(stored) if stored.is_new => {
            events::private_message(&mut tx, &stored.message, recipient)?;
            tx.commit().await?;
            Ok(stored)
        }
        Some(stored) => repeat(stored.message, conversation, message),
        None => {
            // The same message was stored while this one waited for its number. Giving the number back first: the other
            // request has committed, so there is nothing more to wait for.
            drop(tx);
            let first = find_first(app, sender, message).await?;
            repeat(first, conversation, message)
        }
    }
}

/// The conversation, which is made if it must be, and the other one in it.
async fn find_conversation(
    tx: &Tx,
    sender: UserId,
    target: Target,
) -> Result<(ConversationId, UserId), Error> {
    match target {
        Target::Person(recipient) => Ok((open(tx, sender, recipient).await?, recipient)),
        Target::Conversation(conversation) => {
            let recipient = conversations::find_other_member(tx, conversation, sender).await?;
            let recipient = recipient.ok_or_else(|| Error::not_found("conversation"))?;
            Ok((conversation, recipient))
        }
    }
}

async fn open(tx: &Tx, sender: UserId, recipient: UserId) -> Result<ConversationId, Error> {
    if recipient == sender {
        let detail = "a message needs another person to go to";
        return Err(Error::new(Code::SelfNotAllowed, detail));
    }
    if let Some(conversation) = conversations::find_direct(tx, sender, recipient).await? {
        return Ok(conversation);
    }
    if !users::may_contact(tx, sender, recipient).await? {
        let detail = "this person takes messages from people they follow";
        return Err(Error::new(Code::MessageNotAllowed, detail));
    }
    conversations::open_direct(tx, sender, recipient, tx.now()).await
}

async fn find_first(app: &App, sender: UserId, message: &NewMessage) -> Result<MessageView, Error> {
    let db = app.read().await?;
    let first = match &message.client_message_id {
        Some(id) => queries::find_by_client_message_id(&db, sender, id).await?,
        None => None,
    };
    first.ok_or_else(|| Error::not_found("conversation"))
}

/// The first message, if the repetition says the same.
fn repeat(
    first: MessageView,
    conversation: ConversationId,
    message: &NewMessage,
) -> Result<Sent, Error> {
    if first.conversation_id != conversation || first.content != message.content {
        let detail = "this client_message_id was used for another message";
        return Err(Error::new(Code::IdempotencyConflict, detail));
    }
    Ok(Sent {
        message: first,
        is_new: false,
    })
}
