//! What authors are told of likes.

use serde_json::json;
use shared::ids::{PostId, UserId};

use crate::{
    app::{
        db::Tx,
        error::Error,
        notification_type::{Folding, NotificationType},
    },
    notifications::{NewNotification, notify},
    users,
};

/// What this feature tells people of.
pub(super) static TYPES: &[&NotificationType] = &[&LIKE];

static LIKE: NotificationType = NotificationType::new("like", "New like").folded(Folding::People);

/// Somebody likes a post.
pub(super) async fn like(
    tx: &mut Tx,
    (post, author): (PostId, UserId),
    person: UserId,
) -> Result<(), Error> {
    let liker = users::find_person(tx, person).await?;
    let notification = NewNotification {
        to: author,
        actor: person,
        kind: &LIKE,
        message: format!("{} liked your post", liker.display_name()),
        related_id: Some(post.get()),
        data: json!({ "post_id": post }),
    };
    notify(tx, notification).await
}
