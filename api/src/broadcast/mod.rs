//! A word to everybody who is connected, from an operator.
//!
//! Over a socket the gateway does it alone, so that it can be said while PostgreSQL is away; this is the same over HTTP and
//! from a terminal. What is said, and how long it may be, is [`Announcement`](shared::wire::Announcement)'s to say, for all.

pub mod acts;
mod routes;

#[cfg(test)]
mod tests;

use crate::app::feature::Feature;

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "broadcast",
        routes: routes::routes(),
        internal: routes::internal_routes(),
        ..Feature::default()
    }
}
