//! What people are told of friendships.

use serde_json::json;

use super::Pair;
use crate::{
    app::{db::Tx, error::Error, notification_type::NotificationType},
    notifications::{NewNotification, notify, settle},
    users,
};

/// What this feature tells people of.
pub(super) static TYPES: &[&NotificationType] = &[&FRIEND_REQUEST, &FRIEND_ACCEPTED];

static FRIEND_REQUEST: NotificationType = NotificationType::new("friend_request", "Friend request")
    .behind(&super::FLAG)
    .answered_by(|tx, answered| Box::pin(super::answer(tx, answered)));

static FRIEND_ACCEPTED: NotificationType =
    NotificationType::new("friend_accepted", "New friend").asked_for();

/// Somebody wants to be friends. `POST /friends/accept/{id}` and `POST /friends/reject/{id}` answer it.
pub(super) async fn friend_request(tx: &mut Tx, pair: Pair) -> Result<(), Error> {
    let person = users::find_person(tx, pair.me).await?;
    let notification = NewNotification {
        to: pair.other,
        actor: pair.me,
        kind: &FRIEND_REQUEST,
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
        kind: &FRIEND_ACCEPTED,
        message: format!("{} accepted your friend request", person.display_name()),
        related_id: Some(pair.me.get()),
        data: json!({}),
    };
    notify(tx, notification).await
}

/// No request stands between the two any more, whoever had asked.
pub(super) async fn settle_requests(tx: &mut Tx, pair: Pair) -> Result<(), Error> {
    settle(tx, pair.me, &FRIEND_REQUEST.name, pair.other.get()).await?;
    settle(tx, pair.other, &FRIEND_REQUEST.name, pair.me.get()).await
}
