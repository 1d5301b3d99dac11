//! Presence: who is online, and who was last online when.
//!
//! Gateways know who is connected and write it to Redis (`shared::presence`); here it is asked for, and here is kept what
//! outlives Redis: when somebody was last seen, which gateways report, and who is invisible.
//!
//! One sees friends, people who follow one another, and oneself. Everybody else looks plainly offline: strangers, people with
//! a block between them, and the invisible, whose last sight is the moment at which they became so.
//!
//! Unknown is a third answer: without Redis it is `unavailable`, never "offline". Without PostgreSQL contacts are taken from
//! the mirror in Redis, and nobody was last seen.

mod internal;
mod look_up;
mod queries;
mod routes;

#[cfg(test)]
mod tests;

pub use look_up::online;

use shared::flags::PRESENCE;

use crate::app::{commands::Command, feature::Feature};

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "presence",
        routes: routes::routes(),
        internal: internal::routes(),
        commands: vec![Command::new("presence", routes::presence).behind(&PRESENCE)],
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
