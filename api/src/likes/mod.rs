//! Likes: at most one of a person for a post (`like_unique`), by whoever may see the post.
//!
//! The number of likes is the number of rows. A post's author is told of a like, not of its end.

mod change;
mod events;
mod notifications;
mod queries;
mod routes;

#[cfg(test)]
mod tests;

pub use change::{LikeState, Wish, change};

use shared::flags::Flag;

use crate::app::feature::Feature;

/// Who has it.
pub static FLAG: Flag = Flag::on("likes", "Likes of posts");

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "likes",
        routes: routes::routes().behind(&FLAG),
        flags: vec![&FLAG],
        events: &["activity_liked"],
        notification_types: notifications::TYPES,
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
