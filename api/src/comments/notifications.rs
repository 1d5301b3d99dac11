//! What authors are told of comments.

use serde_json::json;
use shared::ids::UserId;

use super::queries::CommentView;
use crate::{
    app::{db::Tx, error::Error},
    notifications::{NewNotification, notify},
};

/// Somebody comments on a post.
pub(super) async fn comment(
    tx: &mut Tx,
    post_author: UserId,
    comment: &CommentView,
) -> Result<(), Error> {
    let notification = NewNotification {
        to: post_author,
        actor: comment.author.id,
        kind: "comment",
        title: "New comment",
        message: format!("{} commented on your post", comment.author.display_name()),
        related_id: Some(comment.post_id.get()),
        data: json!({ "post_id": comment.post_id, "comment_id": comment.id }),
    };
    notify(tx, notification).await
}
