//! Reactions: one emoji of a person for a post (`reaction_unique`), by whoever may see the post. Counted as likes are.

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
