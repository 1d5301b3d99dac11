//! Messages: how one gets into a conversation.
//!
//! - Success means that the message, its number and its events are committed, together.
//! - A message takes its `seq` from the conversation's row, in the transaction that stores it: numbers have no holes, and
//!   their order is the order of commits.
//! - Sent again under the same `client_message_id`, a message is the first one, whatever happened in between; it is told
//!   once.
//! - What is compared is what was sent: an edit or a deletion in between changes nothing about that.
//! - Who takes no messages from somebody straight away gets a request (`requests`); a conversation that is open stays
//!   open to both, until one of them blocks the other.
//! - A deleted message is an empty one that keeps its number.

mod change;
mod commands;
mod events;
mod notifications;
mod queries;
mod reach;
mod requests;
mod routes;
mod send;
#[cfg(test)]
mod tests;

use crate::app::feature::Feature;

/// The feature, for registration.
pub fn feature() -> Feature {
    Feature {
        name: "messages",
        routes: routes::routes(),
        internal: reach::internal_routes(),
        commands: commands::commands(),
        events: events::TYPES,
        notification_types: notifications::TYPES,
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
