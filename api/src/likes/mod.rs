//! Likes: at most one of a person for a post (`like_unique`), by whoever may see the post.
//!
//! Counts of likes, comments and reactions are kept by triggers (`docs/decisions/0011-counts.md`). A post's author is told
//! of a like, not of its end.

mod change;
mod events;
mod notifications;
mod queries;
mod routes;
mod telling;

#[cfg(test)]
mod tests;

pub use change::{LikeState, Wish, change};
pub(crate) use telling::TellLikes;

use shared::flags::Flag;

use crate::app::{feature::Feature, jobs};

/// Who has it.
pub static FLAG: Flag = Flag::on("likes", "Likes of posts");

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "likes",
        routes: routes::routes().behind(&FLAG),
        flags: vec![&FLAG],
        events: &[events::ACTIVITY_LIKED],
        notification_types: notifications::TYPES,
        jobs: vec![jobs::start::<TellLikes>],
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
