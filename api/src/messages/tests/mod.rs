mod changes;
mod crowds;
mod random;
mod reach;
mod requests;
mod state;

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::{clock::Clock, testing::RedisServer};

use crate::app::testing::{Actor, Response, TestApp};

async fn sends(
    from: &Actor,
    to: &Actor,
    content: &str,
    client_message_id: Option<&str>,
) -> Response {
    let message = json!({
        "to": to.id(), "content": content, "client_message_id": client_message_id,
    });
    from.post("/messages", &message).await
}

/// The whole history of the two, as one of them reads it.
async fn history(reader: &Actor, other: &Actor) -> Vec<Value> {
    let path = format!("/messages?user={}&after_seq=0&limit=100", other.id());
    let page = reader.get(&path).await.ok();
    assert_eq!(page["next_cursor"], Value::Null);
    page["items"].as_array().unwrap().clone()
}

fn field(messages: &[Value], name: &str) -> Vec<Value> {
    messages
        .iter()
        .map(|message| message[name].clone())
        .collect()
}

fn numbers(range: std::ops::RangeInclusive<i64>) -> Vec<Value> {
    range.map(Value::from).collect()
}

#[tokio::test]
async fn a_message_is_stored_numbered_and_told_to_both_people() {
    let start = "2026-01-02T03:04:05.678Z".parse().unwrap();
    let app = TestApp::start_at(Clock::manual(start), |_| {}).await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);

    let sent = sends(&ana, &bob, "hi", Some("a-1")).await;
    assert_eq!(sent.status, 201);
    let sender = json!({"id": ana.id(), "username": "ana", "name": "Ana", "avatar": null});
    let message = json!({
        "id": 1,
        "conversation_id": 1,
        "seq": 1,
        "sender": sender,
        "content": "hi",
        "client_message_id": "a-1",
        "created_at": "2026-01-02T03:04:05.678Z",
        "edited_at": null,
        "deleted_at": null,
    });
    assert_eq!(sent.json, message);
    assert_eq!(history(&bob, &ana).await, [message]);

    let heard = bob.hears("private_message").await;
    assert_eq!(
        heard.body,
        json!({
            "timestamp": 1_767_323_045,
            "from_user_id": ana.id(),
            "to_user_id": bob.id(),
            "data": {
                "message_id": 1,
                "conversation_id": 1,
                "seq": 1,
                "content": "hi",
                "client_message_id": "a-1",
                "sender": sender,
                "created_at": "2026-01-02T03:04:05.678Z",
            },
        })
    );
    let echo = ana.hears("private_message").await;
    assert_eq!((echo.event.id, &echo.body), (heard.event.id, &heard.body));
    assert_eq!((echo.offset(), heard.offset()), (1, 1));
}

#[tokio::test]
async fn an_answer_goes_into_the_same_conversation() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let first = sends(&ana, &bob, "hi", None).await.ok();
    let answer = sends(&bob, &ana, "hello", None).await.ok();
    assert_eq!(answer["conversation_id"], first["conversation_id"]);
    let message = json!({"conversation_id": first["conversation_id"], "content": "so?"});
    let third = bob.post("/messages", &message).await.ok();
    assert_eq!(field(&[first, answer, third], "seq"), numbers(1..=3));
}

#[tokio::test]
async fn fifty_concurrent_senders_leave_no_hole_and_one_order() {
    let app = TestApp::start().await;
    let other_pod = app.start_another("api-2").await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    // The conversation does not exist yet: they race for opening it too.
    let sending = (0..50).map(|number| {
        let (from, to) = if number % 2 == 0 {
            (&ana, &bob)
        } else {
            (&bob, &ana)
        };
        let message = json!({"to": to.id(), "content": number.to_string()});
        let pod = if number % 4 < 2 { &app } else { &other_pod };
        async move { pod.command(from, "private", message).await.unwrap() }
    });
    let mut sent = join_all(sending).await;

    sent.sort_by_key(|message| message["seq"].as_i64());
    assert_eq!(field(&sent, "seq"), numbers(1..=50));
    assert_eq!(history(&ana, &bob).await, sent);
    assert_eq!(history(&bob, &ana).await, sent);
    for listener in [&ana, &bob] {
        let mut heard = Vec::new();
        for seq in 1..=50 {
            let event = listener.hears("private_message").await;
            assert_eq!(event.data()["seq"], seq);
            heard.push(event.data()["content"].clone());
        }
        assert_eq!(
            heard,
            field(&sent, "content"),
            "events come in the order of seq"
        );
    }
}

#[tokio::test]
async fn a_message_sent_again_is_the_first_one_and_is_told_once() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let first = sends(&ana, &bob, "hi", Some("a-1")).await;
    let again = sends(&ana, &bob, "hi", Some("a-1")).await;
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.json, again.json);
    // Naming the conversation instead of the person says the same.
    let command = json!({
        "conversation_id": first.json["conversation_id"], "content": "hi", "client_message_id": "a-1",
    });
    let acknowledged = app.command(&ana, "message", command).await.unwrap();
    assert_eq!(acknowledged, first.json);
    // The name is the sender's own.
    let answer = sends(&bob, &ana, "hi", Some("a-1")).await;
    assert_eq!((answer.status, &answer.json["seq"]), (201, &json!(2)));

    assert_eq!(bob.hears("private_message").await.data()["seq"], 1);
    assert_eq!(bob.hears("private_message").await.data()["seq"], 2);
}

#[tokio::test]
async fn another_message_under_the_same_name_is_a_conflict() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let cyd = app.user("cyd").await;
    sends(&ana, &bob, "hi", Some("a-1")).await.ok();
    for refused in [
        sends(&ana, &bob, "bye", Some("a-1")).await,
        sends(&ana, &cyd, "hi", Some("a-1")).await,
    ] {
        assert_eq!(refused.refusal(), (409, "idempotency_conflict"));
    }
    assert_eq!(history(&bob, &ana).await.len(), 1);
    let conversations = cyd.get("/conversations").await.ok();
    assert_eq!(conversations["items"], json!([]), "nothing was opened");
}

#[tokio::test]
async fn identical_messages_at_the_same_moment_are_one_message() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    for round in 1..=5 {
        let name = format!("a-{round}");
        let sending = (0..8).map(|_| sends(&ana, &bob, "hi", Some(&name)));
        let answers = join_all(sending).await;
        let created = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(created, 1, "in round {round}");
        for answer in answers {
            assert_eq!(answer.ok()["seq"], round, "no number is lost");
        }
        let heard = bob.hears("private_message").await;
        assert_eq!(heard.data()["seq"], round, "it is told once");
    }
    assert_eq!(history(&bob, &ana).await.len(), 5);
}

#[tokio::test]
async fn different_messages_under_one_name_at_the_same_moment_are_one_message() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let others = [app.user("bob").await, app.user("cyd").await];
    for round in 1..=5 {
        let name = format!("a-{round}");
        let sending = (0..8).map(|number| sends(&ana, &others[number % 2], "hi", Some(&name)));
        let answers = join_all(sending).await;
        let (stored, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status < 300);
        let ids: BTreeSet<i64> = stored
            .iter()
            .map(|answer| answer.json["id"].as_i64().unwrap())
            .collect();
        assert_eq!((ids.len(), refused.len()), (1, 4), "in round {round}");
        for answer in refused {
            assert_eq!(answer.refusal(), (409, "idempotency_conflict"));
        }
    }
    let mut stored = 0;
    for other in &others {
        let history = history(other, &ana).await;
        let count = i64::try_from(history.len()).unwrap();
        assert_eq!(field(&history, "seq"), numbers(1..=count));
        stored += count;
    }
    assert_eq!(stored, 5);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_with_a_code() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let eve = app.user("eve").await;
    let theirs = sends(&bob, &eve, "psst", None).await.ok()["conversation_id"].clone();
    let (to, long) = (bob.id(), "ä".repeat(10_001));
    for (message, expected) in [
        (
            json!({"to": ana.id(), "content": "hi"}),
            (409, "self_not_allowed"),
        ),
        (json!({"to": 999, "content": "hi"}), (404, "not_found")),
        (
            json!({"conversation_id": theirs, "content": "hi"}),
            (404, "not_found"),
        ),
        (
            json!({"conversation_id": 999, "content": "hi"}),
            (404, "not_found"),
        ),
        (json!({"content": "hi"}), (422, "validation_failed")),
        (json!({"group_id": 1, "content": "hi"}), (404, "not_found")),
        (
            json!({"to": to, "conversation_id": 1, "content": "hi"}),
            (422, "validation_failed"),
        ),
        (json!({"to": to}), (422, "validation_failed")),
        (json!({"to": to, "content": ""}), (422, "validation_failed")),
        (
            json!({"to": to, "content": " \n"}),
            (422, "validation_failed"),
        ),
        (
            json!({"to": to, "content": long}),
            (422, "validation_failed"),
        ),
        (
            json!({"to": to, "content": "a\u{0}b"}),
            (422, "validation_failed"),
        ),
        (json!({"to": to, "content": 7}), (422, "validation_failed")),
        (
            json!({"to": 0, "content": "hi"}),
            (422, "validation_failed"),
        ),
        (
            json!({"to": 1_u64 << 53, "content": "hi"}),
            (422, "validation_failed"),
        ),
        (
            json!({"to": to, "content": "hi", "client_message_id": ""}),
            (422, "validation_failed"),
        ),
        (
            json!({"to": to, "content": "hi", "client_message_id": "x".repeat(129)}),
            (422, "validation_failed"),
        ),
    ] {
        let refused = ana.post("/messages", &message).await;
        assert_eq!(refused.refusal(), expected, "{message}");
    }
    let visitor = app
        .visitor()
        .post("/messages", &json!({"to": to, "content": "hi"}))
        .await;
    assert_eq!(visitor.refusal(), (401, "unauthenticated"));
    assert_eq!(history(&bob, &ana).await, [Value::Null; 0]);
}

#[tokio::test]
async fn the_longest_message_and_any_text_arrive_as_they_were_given() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    for content in [
        "ä".repeat(10_000).as_str(),
        "<b>'; drop table messages; --</b>",
        "👩‍👩‍👧 \u{202e}x",
        " \\u0000 ",
    ] {
        // Ids are taken as numeric strings too.
        let message = json!({"to": bob.id().to_string(), "content": content});
        let sent = ana.post("/messages", &message).await.ok();
        assert_eq!(sent["content"], content);
        assert_eq!(
            bob.hears("private_message").await.data()["content"],
            content
        );
    }
}

#[tokio::test]
async fn a_message_is_taken_while_redis_is_away_and_told_when_it_is_back() {
    let mut redis = RedisServer::start().await;
    let app = TestApp::start_with(|settings| settings.redis.url = redis.url()).await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    sends(&ana, &bob, "before", None).await.ok();
    assert_eq!(
        bob.hears("private_message").await.data()["content"],
        "before"
    );

    redis.kill();
    let sent = sends(&ana, &bob, "in the dark", None).await;
    assert_eq!((sent.status, &sent.json["seq"]), (201, &json!(2)));
    redis.restart_empty().await;
    let heard = bob.hears("private_message").await;
    assert_eq!(heard.data()["content"], "in the dark");
    assert_eq!(heard.offset(), 3, "the first one made a notification too");
}
