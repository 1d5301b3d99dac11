//! Conversations: who talks with whom, the history, and how far everybody has read.
//!
//! - A pair of people has one direct conversation, whoever opened it and however many tried at once.
//! - Messages bear a `seq` without holes; the history, every device and the log of events show the same order. Who stores a
//!   message takes its number from the conversation's row (see `messages`).
//! - A read marker only moves forward, and never beyond the last message. Unread is what others wrote after it.
//! - Whoever hides how far they have read sees it of nobody.
//! - Whoever is not a member cannot tell a conversation from one that does not exist.

mod changes;
mod commands;
mod events;
mod history;
mod list;
mod message;
mod queries;
mod read;
mod readers;
mod routes;
#[cfg(test)]
mod tests;

pub use changes::{count_requests, list_changed_conversations, list_changed_messages, list_joined};
pub use history::{Span, list_messages, list_newest_messages};
pub use list::{ConversationView, list_conversations};
pub use message::MessageView;
pub(crate) use message::message_columns;
pub use queries::{
    find_direct, find_other_member, is_heard_by, is_member, list_listeners, open_direct,
};

use crate::app::feature::Feature;

/// The feature, for registration.
pub fn feature() -> Feature {
    Feature {
        name: "conversations",
        routes: routes::routes(),
        commands: commands::commands(),
        events: &[events::MESSAGE_READ, events::PREFERENCES_CHANGED],
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
