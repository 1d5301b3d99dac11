//! The feed: what friends, the people one follows and oneself have posted, the newest first.

mod queries;
mod routes;

#[cfg(test)]
mod tests;

pub use queries::list_following;

use crate::app::feature::Feature;

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "feed",
        routes: routes::routes(),
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
