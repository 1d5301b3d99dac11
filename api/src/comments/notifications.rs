//! What authors are told of comments.

use serde_json::json;
use shared::ids::UserId;

use super::queries::CommentView;
use crate::{
    app::{
        db::Tx,
        error::Error,
        notification_type::{Folding, NotificationType},
    },
    notifications::{NewNotification, notify},
    posts::{Mention, tell_mentioned},
};

/// What this feature tells people of.
pub(super) static TYPES: &[&NotificationType] = &[&COMMENT];

static COMMENT: NotificationType =
    NotificationType::new("comment", "New comment").folded(Folding::Acts);

/// Tells the post's author of the comment, and the people whom it mentions; who is both hears of the comment. In the order
/// of their ids, so that two comments cannot wait for each other.
pub(super) async fn tell(
    tx: &mut Tx,
    post_author: UserId,
    mut mentioned: Vec<UserId>,
    comment: &CommentView,
) -> Result<(), Error> {
    mentioned.push(post_author);
    mentioned.sort_unstable();
    mentioned.dedup();
    let mention = Mention {
        by: &comment.author,
        post: comment.post_id,
        comment: Some(comment.id),
    };
    for person in mentioned {
        if person == post_author {
            tell_author(tx, post_author, comment).await?;
        } else {
            tell_mentioned(tx, person, &mention).await?;
        }
    }
    Ok(())
}

/// Somebody comments on a post.
async fn tell_author(tx: &mut Tx, post_author: UserId, comment: &CommentView) -> Result<(), Error> {
    let notification = NewNotification {
        to: post_author,
        actor: comment.author.id,
        kind: &COMMENT,
        message: format!("{} commented on your post", comment.author.display_name()),
        related_id: Some(comment.post_id.get()),
        data: json!({ "post_id": comment.post_id, "comment_id": comment.id }),
    };
    notify(tx, notification).await
}
