//! What notifications ask, and how they are answered.

use serde_json::{Value, json};
use shared::credentials::Role;

use super::{pokes, unread_count};
use crate::app::testing::{Actor, Response, TestApp};

async fn answers(who: &Actor, notification: &Value, action: &str) -> Response {
    let path = format!("/notifications/{notification}");
    who.post(&path, &json!({ "action": action })).await
}

/// Ana asks to follow Bob; the id of what Bob is told.
async fn asks(ana: &Actor, bob: &Actor) -> Value {
    assert_eq!(ana.follows(bob).await, "requested");
    let told = bob.hears("notification").await;
    assert_eq!(told.data()["subtype"], "follow_request");
    let actions = &told.data()["additional_data"]["actions"];
    assert_eq!(actions, &json!(["accept", "reject"]));
    told.data()["notification"]["id"].clone()
}

#[tokio::test]
async fn what_a_notification_asks_is_done_and_asked_no_more() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    let asked = asks(&ana, &bob).await;

    let answered = answers(&bob, &asked, "accept").await.ok();
    let expected = json!({ "notification_id": asked, "action": "accept", "is_read": true });
    assert_eq!(answered, expected);
    assert_eq!(ana.follows(&bob).await, "following");
    let heard = bob.hears("notification_marked_read").await;
    let expected = json!({ "notification_id": asked, "settled": true });
    assert_eq!(heard.data(), &expected);
    let told = bob.get("/notifications").await.ok();
    assert_eq!(
        (&told["unread_count"], &told["items"][0]["data"]),
        (&json!(0), &json!({ "request_id": ana.id() }))
    );
    let again = answers(&bob, &asked, "reject").await;
    assert_eq!(again.refusal(), (409, "no_action"));
}

#[tokio::test]
async fn a_request_that_was_answered_elsewhere_or_taken_back_asks_nothing() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    let asked = asks(&ana, &bob).await;
    let path = format!("/follow/requests/{}", ana.id());
    bob.post(&path, &json!({ "action": "reject" })).await.ok();
    let late = answers(&bob, &asked, "accept").await;
    assert_eq!(late.refusal(), (409, "no_action"));

    let asked = asks(&ana, &bob).await;
    let path = format!("/users/{}/follow", bob.id());
    ana.delete(&path).await.ok();
    let late = answers(&bob, &asked, "accept").await;
    assert_eq!(late.refusal(), (409, "no_action"));
    assert_eq!(unread_count(&bob).await, 0);
}

#[tokio::test]
async fn what_cannot_be_answered() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    let asked = asks(&ana, &bob).await;
    let others = answers(&ana, &asked, "accept").await;
    assert_eq!(others.refusal(), (404, "not_found"));
    let unknown = answers(&bob, &asked, "maybe").await;
    assert_eq!(unknown.refusal(), (422, "validation_failed"));

    pokes(&app, &ana, &bob, 7).await;
    let poked = bob.hears("notification").await.data()["notification"]["id"].clone();
    let refused = answers(&bob, &poked, "accept").await;
    assert_eq!(refused.refusal(), (409, "no_action"));
    assert_eq!(unread_count(&bob).await, 2);
}

#[tokio::test]
async fn of_two_answers_at_once_one_counts() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    let asked = asks(&ana, &bob).await;
    let path = format!("/follow/requests/{}", ana.id());
    let reject = json!({ "action": "reject" });

    let (one, other) = tokio::join!(answers(&bob, &asked, "accept"), bob.post(&path, &reject));

    assert_eq!(
        [one.status, other.status]
            .iter()
            .filter(|status| **status == 200)
            .count(),
        1
    );
    let followers = format!("/users/{}/followers", bob.id());
    let followers = bob.get(&followers).await.ok();
    let count = followers["items"].as_array().unwrap().len();
    assert_eq!(count, usize::from(one.status == 200));
}

#[tokio::test]
async fn what_stands_behind_a_flag_is_not_answered_by_the_side_door() {
    let app = TestApp::start().await;
    let admin = app.user_with("admin", Role::Admin).await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let path = format!("/friends/request/{}", bob.id());
    ana.post(&path, &json!({})).await.ok();
    let told = bob.hears("notification").await;
    let asked = told.data()["notification"]["id"].clone();
    let turn = async |enabled: bool| {
        let rules = json!({"enabled": enabled});
        admin.put("/admin/flags/friends", &rules).await.ok();
    };
    turn(false).await;
    let refused = answers(&bob, &asked, "accept").await;
    assert_eq!(refused.refusal(), (403, "feature_unavailable"));
    // It is asked still, for when the feature is back.
    turn(true).await;
    answers(&bob, &asked, "accept").await.ok();
    ana.hears("notification").await;
}
