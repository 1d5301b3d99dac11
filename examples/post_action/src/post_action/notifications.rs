//! What people are told.

use api::{
    app::{
        db::Tx,
        error::Error,
        notification_type::{Folding, NotificationType},
    },
    notifications::{self, NewNotification, notify},
    users::Person,
};
use serde_json::json;
use shared::ids::{PostId, UserId};

/// What this feature tells people of.
pub(super) static TYPES: &[&NotificationType] = &[&POST_SHARE, &POST_ACTION];

/// Kept, for the author: "Ana and 4 others shared your post".
static POST_SHARE: NotificationType =
    NotificationType::new("post_share", "New share").folded(Folding::People);

/// Shown in passing, to followers: never stored, but a type of its own, so that people can switch it off.
static POST_ACTION: NotificationType = NotificationType::new("post_action", "Activity");

/// Somebody shares a post.
pub(super) async fn post_share(
    tx: &mut Tx,
    (post, author): (PostId, UserId),
    sharer: &Person,
) -> Result<(), Error> {
    let notification = NewNotification {
        to: author,
        actor: sharer.id,
        kind: &POST_SHARE,
        message: format!("{} shared your post", sharer.display_name()),
        related_id: Some(post.get()),
        data: json!({ "post_id": post }),
    };
    notify(tx, notification).await
}

/// Whether a follower wants to hear of what the actor does.
pub(super) async fn wants(tx: &Tx, actor: &Person, to: UserId) -> Result<bool, Error> {
    notifications::wants(tx, &POST_ACTION, actor.id, to).await
}
