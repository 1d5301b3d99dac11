//! Posts, and who may see them.
//!
//! A post is seen by whoever may see what its author's account shows ([`users::may_see`](crate::users::may_see)), a post in
//! a group by the group's members; what hangs on a post, by whoever may see the post. A post that is deleted, or that the caller may not see, is a post that
//! does not exist. The author edits within the edit window and deletes at any time; the row stays.

mod activity;
mod attachment;
mod live;
mod mentions;
mod queries;
mod rooms;
mod routes;
mod view;
mod write;

#[cfg(test)]
mod rooms_tests;
#[cfg(test)]
mod tests;

use shared::ids::{GroupId, PostId, UserId};

use crate::app::{db::Connection, error::Error, feature::Feature, http::place::Place, jobs};

pub use activity::{
    Activity, DISTANCE_KM_MAX, MINUTES_MAX, NOTES_LENGTH_MAX, TYPE_LENGTH_MAX, YEARS_PATTERN,
};
pub use attachment::{ATTACHMENTS_MAX, Attachment, check_attachments};
pub use mentions::{Mention, mentioned_readers, tell_mentioned};
pub use queries::Visible;
pub use view::PostView;
pub(crate) use view::{counts_of_post, may_see_post, post_columns, select_posts};
pub use write::{NewPost, write};

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "posts",
        routes: routes::routes(),
        internal: rooms::internal_routes(),
        events: live::TYPES,
        jobs: vec![jobs::start::<live::TellCounts>],
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}

/// Whether there is such a post and the reader may see it, and so everything that hangs on it.
pub async fn may_see(db: &Connection, reader: UserId, post: PostId) -> Result<bool, Error> {
    let visible = queries::find_visible(db, reader, post).await?;
    Ok(visible.is_some())
}

/// The author of a post that the reader may see; else there is no such post.
pub async fn require_visible(
    db: &Connection,
    reader: UserId,
    post: PostId,
) -> Result<UserId, Error> {
    let visible = find_visible(db, reader, post).await?;
    Ok(visible.author)
}

/// As [`require_visible`], with what else one may need of it.
pub async fn find_visible(db: &Connection, reader: UserId, post: PostId) -> Result<Visible, Error> {
    let visible = queries::find_visible(db, reader, post).await?;
    visible.ok_or_else(|| Error::not_found("post"))
}

/// The post as the reader gets it; else there is no such post.
pub async fn read(db: &Connection, reader: UserId, post: PostId) -> Result<PostView, Error> {
    queries::find_view(db, reader, post).await
}

/// Those of these posts that there are, as they look before anybody has done anything to them: to be told to many. Whoever is
/// told must be allowed to see them.
pub async fn list_new(db: &Connection, posts: &[PostId]) -> Result<Vec<PostView>, Error> {
    queries::list_new(db, posts).await
}

/// What was posted in a group, the newest first. `not_found` for who is no member.
pub async fn list_posts_in(
    db: &Connection,
    reader: UserId,
    group: GroupId,
    place: Place,
    rows: i64,
) -> Result<Vec<PostView>, Error> {
    if !queries::is_member(db, reader, group).await? {
        return Err(Error::not_found("group"));
    }
    queries::list_posts_in(db, reader, group, place, rows).await
}
