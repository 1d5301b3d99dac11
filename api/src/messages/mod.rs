//! Messages: how one gets into a conversation.
//!
//! - Success means that the message, its number and its events are committed, together.
//! - A message takes its `seq` from the conversation's row, in the transaction that stores it: numbers have no holes, and
//!   their order is the order of commits.
//! - Sent again under the same `client_message_id`, a message is the first one, whatever happened in between; it is told
//!   once.
//! - Only its opening asks whether two people may talk: a conversation that exists is open to both.
//!
//! A message makes no notification: one for each, not folded, would only repeat its event.

mod commands;
mod events;
mod queries;
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
        commands: commands::commands(),
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
