//! Stories of requests that come twice.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use hyper::{Method, Request};
use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::{clock::Clock, testing::Answer};

use crate::app::{
    config::Settings,
    testing::{Actor, TestApp},
};

async fn post(app: &TestApp, who: &Actor, path: &str, key: &str, body: &Value) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}{path}", app.http().base()))
        .header("authorization", format!("Bearer {}", who.token()))
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(Bytes::from(body.to_string()).into());
    app.http().send_raw(request.unwrap()).await.unwrap()
}

async fn write(app: &TestApp, who: &Actor, key: &str, content: &str) -> Answer {
    post(
        app,
        who,
        "/api/v1/posts",
        key,
        &json!({ "content": content }),
    )
    .await
}

#[tokio::test]
async fn the_second_is_answered_like_the_first_and_changes_nothing() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let first = write(&app, &ana, "k1", "hello").await;
    assert_eq!(first.status, 201, "{}", first.json);
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let body = json!({ "content": "hello" });
    for path in ["/api/v1/posts", "/api/posts"] {
        let again = post(&app, &ana, path, "k1", &body).await;
        assert_eq!((again.status, &again.json), (first.status, &first.json));
        assert_eq!(again.headers["idempotent-replayed"], "true");
        assert_eq!(again.headers["content-type"], "application/json");
    }
    write(&app, &ana, "k2", "hello").await;
    assert_eq!(ana.reads("/feed").await.0, ["hello", "hello"]);
}

#[tokio::test]
async fn a_key_stands_for_one_request_of_one_person() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let first = write(&app, &ana, "k", "hello").await;
    let other = write(&app, &ana, "k", "goodbye").await;
    assert_eq!(other.code(), Some("idempotency_conflict"));
    assert_eq!(other.status, 409);
    let elsewhere = json!({ "content": "hello" });
    let path = format!("/api/v1/posts/{}/comments", first.json["id"]);
    let elsewhere = post(&app, &ana, &path, "k", &elsewhere).await;
    assert_eq!(elsewhere.code(), Some("idempotency_conflict"));
    assert_eq!(write(&app, &bo, "k", "from bob").await.status, 201);
    assert_eq!(ana.reads("/feed").await.0, ["hello"]);
}

#[tokio::test]
async fn at_once_is_once_with_its_events() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let id = write(&app, &ana, "post", "hello").await.json["id"].clone();
    let path = format!("/api/v1/posts/{id}/comments");
    let body = json!({ "content": "hi" });
    let answers = join_all((0..5).map(|_| post(&app, &bo, &path, "k", &body))).await;
    for answer in &answers {
        assert_eq!(
            (answer.status.as_u16(), &answer.json),
            (201, &answers[0].json)
        );
    }
    let replayed = |answer: &&Answer| answer.headers.contains_key("idempotent-replayed");
    assert_eq!(answers.iter().filter(replayed).count(), 4);
    ana.hears("notification").await;
    assert_eq!(
        ana.get(&format!("/posts/{id}")).await.ok()["comment_count"],
        1
    );
    assert_eq!(ana.get("/notifications").await.ok()["unread_count"], 1);
}

#[tokio::test]
async fn a_refusal_uses_no_key_up() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let refused = write(&app, &ana, "k", "").await;
    assert_eq!(refused.code(), Some("validation_failed"));
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert_eq!(write(&app, &ana, "k", "hello").await.status, 201);
}

#[tokio::test]
async fn keys_that_are_none_are_refused() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    for key in ["", &"x".repeat(256)] {
        let refused = write(&app, &ana, key, "hello").await;
        assert_eq!(refused.code(), Some("invalid_request"), "{key}");
    }
    assert_eq!(
        write(&app, &ana, &"x".repeat(255), "hello").await.status,
        201
    );
}

#[tokio::test]
async fn a_key_is_free_again_after_a_day() {
    let clock = Clock::manual(Clock::System.now());
    let day = SignedDuration::from_hours(24);
    // The session must outlive the day, and so must its token.
    let longer = |settings: &mut Settings| {
        settings.auth.access_token_lifetime = Duration::from_hours(48);
    };
    let app = TestApp::start_at(clock.clone(), longer).await;
    let ana = app.user("ana").await;
    let first = write(&app, &ana, "k", "hello").await.json;
    clock.advance(day - SignedDuration::from_millis(1));
    assert_eq!(write(&app, &ana, "k", "hello").await.json, first);
    clock.advance(SignedDuration::from_millis(1));
    let second = write(&app, &ana, "k", "another").await;
    assert_eq!(second.status, 201, "{}", second.json);
}

#[tokio::test]
async fn credentials_are_answered_and_not_stored() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let nothing = json!({});
    let ticket = async || {
        post(&app, &ana, "/api/v1/realtime/token", "k", &nothing)
            .await
            .json
    };
    let (first, second) = (ticket().await, ticket().await);
    assert!(first["token"].is_string(), "{first}");
    assert_ne!(first, second);
}
