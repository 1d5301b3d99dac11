//! Comments on posts, by whoever may see the post. The comment's author deletes it, and so does the post's.

mod announce;
mod change;
mod events;
mod notifications;
mod queries;
mod routes;

#[cfg(test)]
mod tests;

pub use change::{delete, write};
pub use queries::CommentView;
pub use routes::WriteComment;

use shared::flags::Flag;

use crate::app::{feature::Feature, jobs};

/// Who has it.
pub static FLAG: Flag = Flag::on("comments", "Comments on posts");

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "comments",
        routes: routes::routes().behind(&FLAG),
        flags: vec![&FLAG],
        jobs: vec![jobs::start::<announce::AnnounceComments>],
        events: &[events::NEW_COMMENT, announce::NEW_COMMENTS_AVAILABLE],
        notification_types: notifications::TYPES,
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
