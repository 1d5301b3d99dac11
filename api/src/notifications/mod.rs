//! Notifications: what a person is told about the acts of others.
//!
//! - [`notify()`] is the one way to tell somebody something, for every feature; it decides whether they are told.
//! - A notification and its event are written by the transaction of the act that it tells of: there is never one without
//!   the other two.
//! - Nobody is told of their own acts.
//! - Read stays read; a repeat after that is a notification of its own.
//! - What asks something has `actions` in its data until it is answered or withdrawn, by whatever way: the feature that
//!   wrote it calls [`settle()`] then, and says with its
//!   [type](crate::app::notification_type::NotificationType::answered_by) what the answers do.
//! - A `notification` event holds the whole notification. One that is folded into an earlier one comes under its id, and
//!   takes its place.
//! - Preferences are asked when something happens: what was told stays told.
//!
//! What other back ends and operators tell people in their own words is one too (`send`): blocks, mutes, preferences and
//! policies hold for it as for the rest.
//!
//! There is no push service yet: `push` is kept for one, and quiet hours are told to clients as `quiet`.

mod answer;
mod changes;
mod commands;
mod events;
mod folding;
mod mentions;
mod notify;
mod policy;
mod preferences;
mod queries;
mod read;
mod routes;
mod send;
mod settle;
#[cfg(test)]
mod tests;

pub use changes::{ChangedNotification, list_changed};
pub use mentions::{MENTION, find_mentioned};
pub use notify::{NewNotification, notify, wants};
pub use queries::{NotificationView, count_unread, list_notifications};
pub use settle::{settle, settle_all, settle_for_everybody};

use crate::app::feature::Feature;

/// The feature, for registration.
pub fn feature() -> Feature {
    Feature {
        name: "notifications",
        routes: routes::routes(),
        commands: commands::commands(),
        events: &[events::NOTIFICATION, events::MARKED_READ],
        notification_types: mentions::TYPES,
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
