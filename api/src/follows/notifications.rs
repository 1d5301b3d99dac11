//! What followees are told.

use serde_json::json;

use super::Pair;
use crate::{
    app::{
        db::Tx,
        error::Error,
        notification_type::{Folding, NotificationType},
    },
    notifications::{NewNotification, notify, settle},
    users::Person,
};

/// What this feature tells people of.
pub(super) static TYPES: &[&NotificationType] = &[&FOLLOW, &FOLLOW_REQUEST];

static FOLLOW: NotificationType =
    NotificationType::new("follow", "New follower").folded(Folding::Acts);

static FOLLOW_REQUEST: NotificationType = NotificationType::new("follow_request", "Follow request")
    .answered_by(|tx, answered| Box::pin(super::answer(tx, answered)));

/// Somebody follows.
pub(super) async fn follow(tx: &mut Tx, pair: Pair, follower: &Person) -> Result<(), Error> {
    let notification = NewNotification {
        to: pair.followee,
        actor: pair.follower,
        kind: &FOLLOW,
        message: format!("{} follows you", follower.display_name()),
        related_id: Some(pair.follower.get()),
        data: json!({}),
    };
    notify(tx, notification).await
}

/// Somebody asks to follow. `POST /follow/requests/{user_id}` answers it.
pub(super) async fn follow_request(
    tx: &mut Tx,
    pair: Pair,
    follower: &Person,
) -> Result<(), Error> {
    let notification = NewNotification {
        to: pair.followee,
        actor: pair.follower,
        kind: &FOLLOW_REQUEST,
        message: format!("{} wants to follow you", follower.display_name()),
        related_id: Some(pair.follower.get()),
        data: json!({ "request_id": pair.follower, "actions": ["accept", "reject"] }),
    };
    notify(tx, notification).await
}

/// The request was answered, or taken back.
pub(super) async fn settle_request(tx: &mut Tx, pair: Pair) -> Result<(), Error> {
    settle(tx, pair.followee, &FOLLOW_REQUEST.name, pair.follower.get()).await
}
