//! The feed: what friends, the people one follows and oneself have posted, the newest first.

mod announce;
mod queries;
mod readers;
mod routes;

#[cfg(test)]
mod tests;

pub use queries::list_following;

use crate::app::{feature::Feature, jobs};

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "feed",
        routes: routes::routes(),
        events: &[announce::NEW_POSTS_AVAILABLE, readers::NEW_POST],
        jobs: vec![jobs::start::<announce::AnnouncePosts>],
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
