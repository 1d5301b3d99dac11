//! Sending: for the route and the socket commands alike.

use shared::{
    ids::{ConversationId, GroupId, UserId},
    wire::Code,
};

use super::{
    events, notifications, queries,
    requests::{self, Passage},
};
use crate::{
    app::{App, db::Tx, error::Error, http::json::Wrong},
    conversations::{self, MessageView},
    groups::{self, Chat},
    users,
};

/// Characters of a message at most.
pub(super) const CONTENT_LENGTH_MAX: usize = 10_000;
/// Characters of a client's own name for a message at most.
pub(super) const CLIENT_MESSAGE_ID_LENGTH_MAX: usize = 128;

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
    /// The chat of a group that the sender is a member of.
    Group(GroupId),
}

/// What every way to write a message checks of its text.
pub(super) fn check_content(wrong: &mut Wrong, content: &str) {
    wrong.unless_text("content", content, CONTENT_LENGTH_MAX);
}

/// What every way to send a message checks of its texts.
pub(super) fn check_texts(wrong: &mut Wrong, content: &str, client_message_id: Option<&str>) {
    check_content(wrong, content);
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
    let place = find_place(&tx, sender, message.target).await?;
    let conversation = place.conversation;
    let stored = queries::store_message(&tx, conversation, sender, message, app.now()).await?;
    match stored {
        Some(stored) if stored.is_new => {
            deliver(&mut tx, &stored, place).await?;
            tx.commit().await?;
            Ok(Sent {
                message: stored.message,
                is_new: true,
            })
        }
        Some(stored) => {
            let replays = &app.metrics().replays;
            replays.with_label_values(&["client_message_id"]).inc();
            repeat(stored)
        }
        None => {
            // The same message was stored while this one waited for its number. Giving the number back first: the other
            // request has committed, so there is nothing more to wait for.
            drop(tx);
            repeat(find_first(app, conversation, sender, message).await?)
        }
    }
}

/// Where a message goes.
#[derive(Debug, Clone, Copy)]
struct Place {
    conversation: ConversationId,
    to: To,
}

/// Who hears of a message, beside its sender.
#[derive(Debug, Clone, Copy)]
enum To {
    /// The other one; and whether the sender may write straight away, where that was asked already.
    Person(UserId, Option<bool>),
    /// All members, by one event.
    Group(GroupId),
}

impl From<Chat> for Place {
    fn from(chat: Chat) -> Self {
        Self {
            conversation: chat.conversation,
            to: To::Group(chat.group),
        }
    }
}

/// The conversation, which is made if it must be, and the other one in it.
async fn find_place(tx: &Tx, sender: UserId, target: Target) -> Result<Place, Error> {
    match target {
        Target::Person(recipient) => open(tx, sender, recipient).await,
        Target::Conversation(conversation) => {
            let recipient = conversations::find_other_member(tx, conversation, sender).await?;
            if let Some(recipient) = recipient {
                return Ok(Place {
                    conversation,
                    to: To::Person(recipient, None),
                });
            }
            let chat = groups::find_chat(tx, conversation, sender).await?;
            let chat = chat.ok_or_else(|| Error::not_found("conversation"))?;
            Ok(chat.into())
        }
        Target::Group(group) => Ok(groups::require_chat(tx, group, sender).await?.into()),
    }
}

async fn open(tx: &Tx, sender: UserId, recipient: UserId) -> Result<Place, Error> {
    if recipient == sender {
        let detail = "a message needs another person to go to";
        return Err(Error::new(Code::SelfNotAllowed, detail));
    }
    if let Some(conversation) = conversations::find_direct(tx, sender, recipient).await? {
        return Ok(Place {
            conversation,
            to: To::Person(recipient, None),
        });
    }
    let may_write = users::may_contact(tx, sender, recipient).await?;
    let pair = (sender, recipient);
    Ok(Place {
        conversation: conversations::open_direct(tx, pair, !may_write, tx.now()).await?,
        to: To::Person(recipient, Some(may_write)),
    })
}

/// Tells a group, or both people, of a new message, as far as the recipient takes it. Asked after it is stored, which a
/// repetition is not again: that one is answered whatever has come between the two since.
async fn deliver(tx: &mut Tx, stored: &Stored, place: Place) -> Result<(), Error> {
    let message = &stored.message;
    let (recipient, may_write) = match place.to {
        To::Person(recipient, may_write) => (recipient, may_write),
        To::Group(group) => {
            events::group_message(tx, group, message)?;
            return notifications::group_mentions(tx, message).await;
        }
    };
    let may_write = match may_write {
        Some(may_write) => may_write,
        None => users::may_contact(tx, message.sender.id, recipient).await?,
    };
    match requests::pass(tx, stored, may_write).await? {
        Passage::Open => {
            events::private_message(tx, message, recipient)?;
            notifications::message(tx, message, recipient).await
        }
        Passage::Waits => {
            events::waiting_message(tx, message, recipient)?;
            if message.seq == 1 {
                notifications::message_request(tx, message, recipient).await?;
            }
            Ok(())
        }
    }
}

/// What the database says of a message that was to be stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) message: MessageView,
    pub(super) is_new: bool,
    /// Says the same as the one that was to be stored, in the same conversation, as both were sent.
    pub(super) is_same: bool,
    /// Who must accept the conversation first, and whether they have turned it down. Known of a new message only.
    pub(super) request: Option<Request>,
}

/// A conversation that somebody has to accept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    /// Who is asked.
    pub(super) to: UserId,
    pub(super) is_rejected: bool,
}

async fn find_first(
    app: &App,
    conversation: ConversationId,
    sender: UserId,
    message: &NewMessage,
) -> Result<Stored, Error> {
    let db = app.read().await?;
    let first = queries::find_repeated(&db, conversation, sender, message).await?;
    first.ok_or_else(|| Error::not_found("conversation"))
}

/// The first message, if the repetition says the same.
fn repeat(first: Stored) -> Result<Sent, Error> {
    if !first.is_same {
        let detail = "this client_message_id was used for another message";
        return Err(Error::new(Code::IdempotencyConflict, detail));
    }
    Ok(Sent {
        message: first.message,
        is_new: false,
    })
}
