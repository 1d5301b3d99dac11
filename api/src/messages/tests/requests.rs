//! Message requests.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{field, history, numbers, sends};
use crate::app::testing::{Actor, Response, TestApp};

async fn answers(asked: &Actor, sender: &Actor, action: &str) -> Response {
    let body = json!({ "user_id": sender.id(), "action": action });
    asked.post("/messages/requests", &body).await
}

async fn requests(asked: &Actor) -> Vec<Value> {
    let page = asked.get("/messages/requests").await.ok();
    page["items"].as_array().unwrap().clone()
}

async fn conversations(of: &Actor) -> Vec<Value> {
    let page = of.get("/conversations").await.ok();
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn whom_one_follows_and_to_whom_one_writes_may_write_straight_away() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    bob.follows(&ana).await;
    sends(&ana, &bob, "hi", None).await.ok();
    assert_eq!(bob.hears("private_message").await.data()["seq"], 1);

    let cyd = app.user("cyd").await;
    sends(&bob, &cyd, "hi", None).await.ok();
    sends(&cyd, &bob, "hello", None).await.ok();
    assert_eq!(conversations(&bob).await.len(), 2);
    assert_eq!(requests(&bob).await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_request_is_told_once_waits_and_is_delivered_when_accepted() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    for seq in 1..=5 {
        let sent = sends(&ana, &bob, &seq.to_string(), None).await;
        assert_eq!((sent.status, &sent.json["seq"]), (201, &json!(seq)));
        let echo = ana.hears("private_message").await;
        assert_eq!(echo.data()["request"], "pending");
        let waiting = bob.hears("message_request").await;
        assert_eq!(waiting.data()["seq"], seq);
    }
    let sixth = sends(&ana, &bob, "6", None).await;
    assert_eq!(sixth.refusal(), (403, "message_request_pending"));
    let command = json!({ "to": bob.id(), "content": "6" });
    let refused = app.command(&ana, "private", command).await.unwrap_err();
    assert_eq!(refused["code"], "message_request_pending");

    let told = bob.hears("notification").await;
    assert_eq!(told.data()["subtype"], "message_request");
    assert_eq!(bob.unheard(), [""; 0], "once, and no message yet");
    assert_eq!(conversations(&bob).await, [Value::Null; 0]);
    assert_eq!(conversations(&ana).await[0]["request"], "pending");
    let request = &requests(&bob).await[0];
    assert_eq!(
        (&request["sender"]["username"], &request["message_count"]),
        (&json!("ana"), &json!(5))
    );
    // Looking at it is not told.
    let path = format!("/conversations/{}/read", request["conversation_id"]);
    let marker = bob.post(&path, &json!({ "seq": 5 })).await.ok();
    assert_eq!(marker["read_seq"], 0);

    let accepted = answers(&bob, &ana, "accept").await.ok();
    assert_eq!(accepted["status"], "accepted");
    for seq in 1..=5 {
        let delivered = bob.hears("private_message").await;
        assert_eq!(delivered.data()["seq"], seq);
    }
    let heard = ana.hears("message_request_accepted").await;
    assert_eq!(heard.data()["conversation_id"], accepted["conversation_id"]);
    let settled = bob.hears("notification_marked_read").await;
    let id = &told.data()["notification"]["id"];
    assert_eq!(
        settled.data(),
        &json!({ "notification_id": id, "settled": true })
    );
    sends(&ana, &bob, "6", None).await.ok();
    assert_eq!(bob.hears("private_message").await.data()["seq"], 6);
    assert_eq!(field(&history(&bob, &ana).await, "seq"), numbers(1..=6));
    assert_eq!(requests(&bob).await, [Value::Null; 0]);
    let again = answers(&bob, &ana, "accept").await;
    assert_eq!(again.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn a_rejected_sender_is_refused_until_the_other_one_writes() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    sends(&ana, &bob, "hi", None).await.ok();
    let told = bob.hears("notification").await;
    let path = format!("/notifications/{}", told.data()["notification"]["id"]);
    bob.post(&path, &json!({ "action": "reject" })).await.ok();

    let refused = sends(&ana, &bob, "please", None).await;
    assert_eq!(refused.refusal(), (403, "message_request_rejected"));
    assert_eq!(requests(&bob).await, [Value::Null; 0]);
    let again = bob.post(&path, &json!({ "action": "accept" })).await;
    assert_eq!(again.refusal(), (409, "no_action"));
    let again = answers(&bob, &ana, "reject").await;
    assert_eq!(again.refusal(), (404, "not_found"));
    // The one who was refused cannot accept in the other's place.
    let own = answers(&ana, &bob, "accept").await;
    assert_eq!(own.refusal(), (404, "not_found"));

    sends(&bob, &ana, "sorry", None).await.ok();
    sends(&ana, &bob, "fine", None).await.ok();
    let history = history(&ana, &bob).await;
    assert_eq!(field(&history, "content"), ["hi", "sorry", "fine"]);
    for content in ["hi", "sorry", "fine"] {
        let heard = bob.hears("private_message").await;
        assert_eq!(heard.data()["content"], content);
    }
}

#[tokio::test]
async fn a_sender_who_is_followed_meanwhile_needs_no_answer() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    sends(&ana, &bob, "one", None).await.ok();
    bob.follows(&ana).await;
    sends(&ana, &bob, "two", None).await.ok();
    for content in ["one", "two"] {
        let heard = bob.hears("private_message").await;
        assert_eq!(heard.data()["content"], content);
    }
    assert_eq!(conversations(&bob).await[0]["unread_count"], 2);
}

#[tokio::test]
async fn many_at_once_leave_five_waiting_and_one_notification() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    let sending = (0..12).map(|_| sends(&ana, &bob, "hi", None));
    let answers = join_all(sending).await;
    let stored = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(stored, 5);
    assert_eq!(field(&history(&ana, &bob).await, "seq"), numbers(1..=5));
    assert_eq!(bob.get("/notifications").await.ok()["unread_count"], 1);
}

#[tokio::test]
async fn an_answer_names_one_request() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let conversation = sends(&ana, &bob, "hi", None).await.ok()["conversation_id"].clone();
    for (body, expected) in [
        (json!({ "action": "accept" }), (422, "validation_failed")),
        (
            json!({ "action": "accept", "user_id": 1, "conversation_id": 1 }),
            (422, "validation_failed"),
        ),
        (
            json!({ "action": "maybe", "user_id": ana.id() }),
            (422, "validation_failed"),
        ),
        // This one was never a request.
        (
            json!({ "action": "accept", "conversation_id": conversation }),
            (404, "not_found"),
        ),
        (
            json!({ "action": "reject", "user_id": 999 }),
            (404, "not_found"),
        ),
    ] {
        let refused = bob.post("/messages/requests", &body).await;
        assert_eq!(refused.refusal(), expected, "{body}");
    }
}
