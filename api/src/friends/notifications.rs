//! What people are told of friendships.

use serde_json::json;

use super::Pair;
use crate::{
    app::{db::Tx, error::Error},
    notifications::{NewNotification, notify, settle},
    users,
};

/// Somebody wants to be friends. `POST /friends/accept/{id}` and `POST /friends/reject/{id}` answer it.
pub(super) async fn friend_request(tx: &mut Tx, pair: Pair) -> Result<(), Error> {
    let person = users::find_person(tx, pair.me).await?;
    let notification = NewNotification {
        to: pair.other,
        actor: pair.me,
        kind: "friend_request",
        title: "Friend request",
        message: format!("{} wants to be friends with you", person.display_name()),
        related_id: Some(pair.me.get()),
        data: json!({ "request_id": pair.me, "actions": ["accept", "reject"] }),
    };
    notify(tx, notification).await
}

/// Somebody who was asked has accepted.
pub(super) async fn friend_accepted(tx: &mut Tx, pair: Pair) -> Result<(), Error> {
    let person = users::find_person(tx, pair.me).await?;
    let notification = NewNotification {
        to: pair.other,
        actor: pair.me,
        kind: "friend_accepted",
        title: "New friend",
        message: format!("{} accepted your friend request", person.display_name()),
        related_id: Some(pair.me.get()),
        data: json!({}),
    };
    notify(tx, notification).await
}

/// No request stands between the two any more, whoever had asked.
pub(super) async fn settle_requests(tx: &mut Tx, pair: Pair) -> Result<(), Error> {
    settle(tx, pair.me, "friend_request", pair.other.get()).await?;
    settle(tx, pair.other, "friend_request", pair.me.get()).await
}
