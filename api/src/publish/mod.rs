//! Other back ends of the team push events through Hubbub.
//!
//! What they push goes the way of all events: a durable one is numbered in the log and committed before the answer, an
//! ephemeral one is published after it. Types that are the product's own, or the protocol's, cannot be published: clients
//! rest on what these say.

mod queries;
mod request;
mod routes;

#[cfg(test)]
mod tests;

use crate::app::feature::Feature;

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "publish",
        routes: routes::routes(),
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
