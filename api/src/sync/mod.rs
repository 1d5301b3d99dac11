//! `GET /sync`: everything durable that somebody missed since a cursor, out of the state itself, so that it reaches back
//! further than the log of events does.
//!
//! - A cursor names a moment as the database knows it: which transactions had ended. What has changed since is what the
//!   others wrote, and nothing else: neither skipped nor repeated, whatever was under way at that moment.
//! - Pages that belong together look at one span of time (a [`Round`](crate::app::db::Round)). Only a page that brings its
//!   reader to a moment names the positions in the channels: the state that was read is then exactly the one there.
//! - An idle poll costs one statement: no head of a channel has moved, so nothing that is told has changed.
//!
//! docs/decisions/0010-snapshot-and-stream.md has the reasons.

mod cursor;
mod page;
mod routes;
mod stand;
#[cfg(test)]
mod tests;

pub use stand::{Stand, find_stand};

use crate::app::feature::Feature;

/// The feature, for registration.
pub fn feature() -> Feature {
    Feature {
        name: "sync",
        routes: routes::routes(),
        statements: stand::STATEMENTS,
        ..Feature::default()
    }
}
