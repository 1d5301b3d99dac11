//! What followees are told.

use serde_json::json;

use super::Pair;
use crate::{
    app::{db::Tx, error::Error},
    notifications::{NewNotification, notify, settle},
    users::Person,
};

/// Somebody follows.
pub(super) async fn follow(tx: &mut Tx, pair: Pair, follower: &Person) -> Result<(), Error> {
    let notification = NewNotification {
        to: pair.followee,
        actor: pair.follower,
        kind: "follow",
        title: "New follower",
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
        kind: "follow_request",
        title: "Follow request",
        message: format!("{} wants to follow you", follower.display_name()),
        related_id: Some(pair.follower.get()),
        data: json!({ "request_id": pair.follower, "actions": ["accept", "reject"] }),
    };
    notify(tx, notification).await
}

/// The request was answered, or taken back.
pub(super) async fn settle_request(tx: &mut Tx, pair: Pair) -> Result<(), Error> {
    settle(tx, pair.followee, "follow_request", pair.follower.get()).await
}
