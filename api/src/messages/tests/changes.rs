//! Edits, deletions, and the history with an offset.

use serde_json::{Value, json};
use shared::clock::Clock;

use super::{field, history, numbers, sends};
use crate::app::testing::{Actor, Response, TestApp};

async fn edits(author: &Actor, message: &Value, content: &str) -> Response {
    let path = format!("/messages/{}", message["id"]);
    author.patch(&path, &json!({ "content": content })).await
}

async fn deletes(author: &Actor, message: &Value) -> Response {
    author.delete(&format!("/messages/{}", message["id"])).await
}

#[tokio::test]
async fn an_edit_and_a_deletion_are_heard_by_both_and_the_number_stays() {
    let start = "2026-01-02T03:04:05.678Z".parse().unwrap();
    let app = TestApp::start_at(Clock::manual(start), |_| {}).await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let first = sends(&ana, &bob, "hi", None).await.ok();
    sends(&bob, &ana, "hello", None).await.ok();

    let edited = edits(&ana, &first, "hi!").await.ok();
    assert_eq!(
        (&edited["content"], &edited["edited_at"], &edited["seq"]),
        (&json!("hi!"), &json!("2026-01-02T03:04:05.678Z"), &json!(1))
    );
    for listener in [&ana, &bob] {
        let heard = listener.hears("message_edited").await;
        let expected = json!({
            "message_id": first["id"],
            "conversation_id": first["conversation_id"],
            "seq": 1,
            "content": "hi!",
            "edited_at": "2026-01-02T03:04:05.678Z",
        });
        assert_eq!(heard.data(), &expected);
    }

    for _ in 0..2 {
        let deleted = deletes(&ana, &first).await.ok();
        assert_eq!(
            (&deleted["content"], &deleted["deleted_at"]),
            (&json!(""), &json!("2026-01-02T03:04:05.678Z"))
        );
    }
    for listener in [&ana, &bob] {
        let heard = listener.hears("message_deleted").await;
        assert_eq!(heard.data()["message_id"], first["id"]);
        assert_eq!(heard.data()["content"], Value::Null);
    }
    let history = history(&bob, &ana).await;
    assert_eq!(field(&history, "seq"), numbers(1..=2));
    assert_eq!(field(&history, "content"), ["", "hello"]);
    // The second deletion changed nothing, so there was nothing to tell.
    sends(&ana, &bob, "after", None).await.ok();
    for content in ["hi", "hello", "after"] {
        let heard = bob.hears("private_message").await;
        assert_eq!(heard.data()["content"], content);
    }
    assert!(!bob.unheard().contains(&"message_deleted".to_owned()));
}

#[tokio::test]
async fn only_the_author_changes_a_message_and_only_while_it_is_there() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let eve = app.user("eve").await;
    let message = sends(&ana, &bob, "hi", None).await.ok();

    for refused in [
        edits(&bob, &message, "bye").await,
        deletes(&bob, &message).await,
    ] {
        assert_eq!(refused.refusal(), (403, "forbidden"));
    }
    for refused in [
        edits(&eve, &message, "bye").await,
        deletes(&eve, &message).await,
    ] {
        assert_eq!(refused.refusal(), (404, "not_found"));
    }
    let long = "ä".repeat(10_001);
    for content in ["", " ", long.as_str()] {
        let refused = edits(&ana, &message, content).await;
        assert_eq!(refused.refusal(), (422, "validation_failed"));
    }
    deletes(&ana, &message).await.ok();
    let refused = edits(&ana, &message, "back").await;
    assert_eq!(refused.refusal(), (404, "not_found"));
    assert_eq!(field(&history(&bob, &ana).await, "content"), [""]);
}

#[tokio::test]
async fn a_repetition_is_compared_with_what_was_sent_whatever_it_says_now() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let first = sends(&ana, &bob, "hi", Some("a-1")).await.ok();
    edits(&ana, &first, "bye").await.ok();

    let again = sends(&ana, &bob, "hi", Some("a-1")).await;
    assert_eq!((again.status, &again.json["content"]), (200, &json!("bye")));
    let other = sends(&ana, &bob, "bye", Some("a-1")).await;
    assert_eq!(other.refusal(), (409, "idempotency_conflict"));

    deletes(&ana, &first).await.ok();
    let again = sends(&ana, &bob, "hi", Some("a-1")).await;
    assert_eq!((again.status, &again.json["id"]), (200, &first["id"]));
    assert_eq!(history(&bob, &ana).await.len(), 1);
}

#[tokio::test]
async fn the_history_goes_back_by_offset_and_by_cursor() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    for content in ["1", "2", "3", "4", "5"] {
        sends(&ana, &bob, content, None).await.ok();
    }
    let read = async |query: &str| {
        let path = format!("/messages/private?user={}&{query}", ana.id());
        bob.get(&path).await.ok()
    };
    let contents = |page: &Value| field(page["items"].as_array().unwrap(), "content");

    let newest = read("limit=2").await;
    assert_eq!(contents(&newest), ["4", "5"]);
    assert_eq!(contents(&read("limit=2&offset=2").await), ["2", "3"]);
    assert_eq!(contents(&read("limit=2&offset=4").await), ["1"]);
    assert_eq!(contents(&read("offset=5").await), [Value::Null; 0]);
    let cursor = newest["next_cursor"].as_str().unwrap();
    let older = read(&format!("limit=2&cursor={cursor}")).await;
    assert_eq!(contents(&older), ["2", "3"]);

    let eve = app.user("eve").await;
    let path = format!("/messages/private?user={}", ana.id());
    assert_eq!(eve.get(&path).await.ok()["items"], json!([]));
    let nobody = eve.get("/messages/private?user=999").await;
    assert_eq!(nobody.refusal(), (404, "not_found"));
    let refused = eve.get(&format!("{path}&offset=-1")).await;
    assert_eq!(refused.refusal(), (422, "validation_failed"));
}

#[tokio::test]
async fn an_edit_tells_those_whom_it_mentions_now_and_did_not_before() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let (cleo, eve) = (app.user("cleo").await, app.user("eve").await);
    let group = ana.post("/groups", &json!({"name": "Runners"})).await.ok();
    for member in [&bob, &cleo] {
        let path = format!("/groups/{}/join", group["id"]);
        member.post(&path, &json!({})).await.ok();
    }
    let mentions = async |who: &Actor| {
        let told = who.get("/notifications").await.ok();
        let items = told["items"].as_array().unwrap().iter();
        items.filter(|item| item["type"] == "mention").count()
    };
    let message = json!({"group_id": group["id"], "content": "look, @bob"});
    let message = ana.post("/messages", &message).await.ok();
    edits(&ana, &message, "look, @bob and @cleo and @eve")
        .await
        .ok();
    assert_eq!((mentions(&bob).await, mentions(&cleo).await), (1, 1));
    assert_eq!(
        mentions(&eve).await,
        0,
        "who is not in the group hears nothing of it"
    );

    let message = json!({"to": bob.id(), "content": "hello"});
    let message = ana.post("/messages", &message).await.ok();
    edits(&ana, &message, "hello @bob, have you seen @cleo?")
        .await
        .ok();
    assert_eq!((mentions(&bob).await, mentions(&cleo).await), (2, 1));

    // Nor does who has not accepted the conversation yet.
    let dan = app.private_user("dan").await;
    let message = json!({"to": dan.id(), "content": "hello"});
    let message = ana.post("/messages", &message).await.ok();
    edits(&ana, &message, "hello @dan").await.ok();
    assert_eq!(mentions(&dan).await, 0);
}
