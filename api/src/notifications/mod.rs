//! Notifications: what a person is told about the acts of others.
//!
//! - [`notify()`] is the one way to tell somebody something, for every feature; it decides whether they are told.
//! - A notification and its event are written by the transaction of the act that it tells of: there is never one without
//!   the other two.
//! - Nobody is told of their own acts.
//! - Read stays read.

mod commands;
mod events;
mod notify;
mod queries;
mod read;
mod routes;
#[cfg(test)]
mod tests;

pub use notify::{NewNotification, notify};

use crate::app::feature::Feature;

/// The feature, for registration.
pub fn feature() -> Feature {
    Feature {
        name: "notifications",
        routes: routes::routes(),
        commands: commands::commands(),
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
