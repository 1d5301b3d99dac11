//! Posts, and who may see them.
//!
//! A post is seen by whoever may see what its author's account shows ([`users::may_see`](crate::users::may_see)); what
//! hangs on a post, by whoever may see the post. A post that is deleted, or that the caller may not see, is a post that
//! does not exist. The author edits within the edit window and deletes at any time; the row stays.

mod queries;
mod routes;
mod view;

#[cfg(test)]
mod tests;

use shared::ids::{PostId, UserId};

use crate::app::{db::Connection, error::Error, feature::Feature};

pub use view::PostView;
pub(crate) use view::select_posts;

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "posts",
        routes: routes::routes(),
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}

/// Whether there is such a post and the reader may see it, and so everything that hangs on it.
pub async fn may_see(db: &Connection, reader: UserId, post: PostId) -> Result<bool, Error> {
    let author = queries::find_author(db, reader, post).await?;
    Ok(author.is_some())
}

/// The author of a post that the reader may see; else there is no such post.
pub async fn require_visible(
    db: &Connection,
    reader: UserId,
    post: PostId,
) -> Result<UserId, Error> {
    let author = queries::find_author(db, reader, post).await?;
    author.ok_or_else(|| Error::not_found("post"))
}
