//! Other back ends of the team push events through Hubbub.
//!
//! What they push goes the way of all events: a durable one is numbered in the log and committed before the answer, an
//! ephemeral one is published after it. One for everybody that is durable is written down before the answer, and told in
//! batches after it (`everybody`). Types that are the product's own, or the protocol's, cannot be published: clients
//! rest on what these say.

mod everybody;
mod queries;
mod request;
mod routes;

#[cfg(test)]
mod everybody_tests;
#[cfg(test)]
mod tests;

pub use everybody::{UnderWay, find_under_way};

use crate::app::{feature::Feature, jobs};

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "publish",
        routes: routes::routes(),
        jobs: vec![jobs::start::<everybody::TellEverybody>],
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
