//! Writing a comment and taking it away.

use shared::ids::{CommentId, PostId, UserId};

use super::{
    events, notifications,
    queries::{self, CommentView},
};
use crate::{
    app::{App, error::Error, live::Count},
    posts,
};

/// Stores a comment; shows it in the post's room, and tells the post's author and the people whom it mentions.
pub async fn write(
    app: &App,
    author: UserId,
    post: PostId,
    content: &str,
) -> Result<CommentView, Error> {
    app.flags().require(&super::FLAG, author).await?;
    let mut tx = app.begin().await?;
    let post_author = posts::require_visible(&tx, author, post).await?;
    let comment = queries::insert_comment(&tx, (post, author), content, app.now()).await?;
    events::new_comment(&mut tx, &comment)?;
    let mentioned = posts::mentioned_readers(&tx, content, post).await?;
    notifications::tell(&mut tx, post_author, mentioned, &comment).await?;
    tx.commit().await?;
    app.changed_counts().note(Count::Comments, post);
    Ok(comment)
}

/// Deletes a comment, for its author and the post's.
pub async fn delete(
    app: &App,
    person: UserId,
    (post, comment): (PostId, CommentId),
) -> Result<(), Error> {
    let not_found = || Error::not_found("comment");
    let tx = app.begin().await?;
    let post_author = posts::require_visible(&tx, person, post).await?;
    let author = queries::find_comment_author(&tx, post, comment).await?;
    if ![author.ok_or_else(not_found)?, post_author].contains(&person) {
        let detail = "only the comment's author and the post's may do this";
        return Err(Error::forbidden(detail));
    }
    if !queries::delete_comment(&tx, post, comment).await? {
        return Err(not_found());
    }
    tx.commit().await?;
    app.changed_counts().note(Count::Comments, post);
    Ok(())
}
