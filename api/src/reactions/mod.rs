//! Reactions: one emoji of a person for a post (`reaction_unique`), by whoever may see the post.
//!
//! The number of reactions is the number of rows: no counter that thousands who react at once would wait for.

mod emoji;
mod queries;
mod routes;

#[cfg(test)]
mod tests;

use crate::app::feature::Feature;

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "reactions",
        routes: routes::routes(),
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
