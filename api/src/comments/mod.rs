//! Comments on posts, by whoever may see the post. The comment's author deletes it, and so does the post's.

mod events;
mod notifications;
mod queries;
mod routes;

#[cfg(test)]
mod tests;

use crate::app::feature::Feature;

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "comments",
        routes: routes::routes(),
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
