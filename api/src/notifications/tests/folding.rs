//! Repeats become one notification.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::clock::Clock;

use super::unread_count;
use crate::app::testing::{Actor, TestApp};

async fn likes(fan: &Actor, post: &str) {
    fan.put(&format!("{post}/like"), &json!({})).await.ok();
}

async fn comments(who: &Actor, post: &str) {
    let path = format!("{post}/comments");
    let comment = json!({ "content": "nice" });
    who.post(&path, &comment).await.ok();
}

async fn writes(from: &Actor, to: &Actor) -> Value {
    let message = json!({ "to": to.id(), "content": "hi" });
    from.post("/messages", &message).await.ok()
}

#[tokio::test]
async fn likes_of_one_post_are_one_notification_that_is_updated_in_place() {
    let app = TestApp::start().await;
    let bob = app.user("bob").await;
    let (post, other_post) = (bob.posts("hello").await, bob.posts("again").await);
    let mut first = Value::Null;
    for (name, message) in [
        ("ana", "Ana liked your post"),
        ("cyd", "Cyd and 1 other liked your post"),
        ("dia", "Dia and 2 others liked your post"),
    ] {
        likes(&app.user(name).await, &post).await;
        let told = bob.hears("notification").await;
        assert_eq!(told.data()["message"], message);
        if first == Value::Null {
            first = told.data()["notification"]["id"].clone();
        }
        assert_eq!(told.data()["notification"]["id"], first);
        assert_eq!(told.data()["user_name"], message[..3]);
    }
    let eve = app.user("eve").await;
    likes(&eve, &other_post).await;
    let told = bob.hears("notification").await;
    assert_eq!(told.data()["message"], "Eve liked your post");
    let list = bob.get("/notifications").await.ok();
    assert_eq!(list["unread_count"], 2);
    assert_eq!(list["items"][1]["data"]["actor_count"], 3);
}

#[tokio::test]
async fn a_like_that_comes_again_is_no_news_and_a_read_one_is_not_changed() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let post = bob.posts("hello").await;
    likes(&ana, &post).await;
    let told = bob.hears("notification").await;
    bob.post("/notifications/read", &json!({})).await.ok();
    for _ in 0..3 {
        ana.delete(&format!("{post}/like")).await.ok();
        likes(&ana, &post).await;
    }
    assert_eq!(unread_count(&bob).await, 0);

    likes(&app.user("cyd").await, &post).await;
    let next = bob.hears("notification").await;
    assert_eq!(next.data()["message"], "Cyd liked your post");
    assert_ne!(
        next.data()["notification"]["id"],
        told.data()["notification"]["id"]
    );
    assert_eq!(unread_count(&bob).await, 1);
}

#[tokio::test]
async fn after_the_window_a_new_one_begins() {
    let clock = Clock::manual("2026-01-02T03:04:05Z".parse().unwrap());
    let app = TestApp::start_at(clock.clone(), |settings| {
        settings.auth.access_token_lifetime = Duration::from_hours(24);
    })
    .await;
    let (bob, ana, cyd) = (
        app.user("bob").await,
        app.user("ana").await,
        app.user("cyd").await,
    );
    let post = bob.posts("hello").await;
    comments(&ana, &post).await;
    comments(&ana, &post).await;
    assert_eq!(unread_count(&bob).await, 1);
    let told = bob.get("/notifications").await.ok();
    assert_eq!(told["items"][0]["message"], "Ana commented on your post");

    clock.advance(SignedDuration::from_mins(59));
    comments(&cyd, &post).await;
    let told = bob.get("/notifications").await.ok();
    assert_eq!(
        told["items"][0]["message"],
        "Cyd and 1 other commented on your post"
    );
    clock.advance(SignedDuration::from_mins(2));
    comments(&cyd, &post).await;
    let told = bob.get("/notifications").await.ok();
    assert_eq!(told["items"][0]["message"], "Cyd commented on your post");
    assert_eq!(told["unread_count"], 2);
}

#[tokio::test]
async fn messages_of_a_conversation_are_told_once_until_they_are_read() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    for _ in 0..3 {
        writes(&ana, &bob).await;
    }
    let told = bob.hears("notification").await;
    assert_eq!(told.data()["subtype"], "message");
    assert_eq!(unread_count(&bob).await, 1);

    let last = writes(&ana, &bob).await;
    let path = format!("/conversations/{}/read", last["conversation_id"]);
    bob.post(&path, &json!({ "seq": 3 })).await.ok();
    assert_eq!(unread_count(&bob).await, 1, "there is more to read");
    bob.post(&path, &json!({ "seq": 4 })).await.ok();
    assert_eq!(unread_count(&bob).await, 0);
    bob.hears("notification_marked_read").await;

    writes(&ana, &bob).await;
    assert_eq!(bob.hears("notification").await.data()["subtype"], "message");
    assert_eq!(unread_count(&bob).await, 1);
}

#[tokio::test]
async fn a_mention_in_a_message_is_told_as_one() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let cyd = app.user("cyd").await;
    let message = json!({ "to": bob.id(), "content": "hi @bob, have you seen @cyd and @nobody?" });
    let sent = ana.post("/messages", &message).await.ok();
    let told = bob.hears("notification").await;
    assert_eq!(told.data()["subtype"], "mention");
    let data = json!({ "conversation_id": sent["conversation_id"], "message_id": sent["id"] });
    assert_eq!(told.data()["additional_data"], data);
    // Who cannot see the message is not told of it.
    assert_eq!(unread_count(&cyd).await, 0);
}
