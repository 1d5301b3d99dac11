//! What a client asks for, and what it hears back.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use shared::{
    clock::Clock,
    credentials::{Purpose, Role},
    ids::SessionId,
};

use crate::harness::{Gateway, user};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_the_gateway_does_not_know_goes_to_api() {
    let gateway = Gateway::start().await;
    let (mut socket, _) = gateway.listen(1).await;
    let ack = socket
        .commands(json!({"type": "echo", "text": "\u{1F600} \"quoted\""}))
        .await;
    assert_eq!(ack["type"], "ack");
    assert_eq!(ack["data"]["payload"]["text"], "\u{1F600} \"quoted\"");

    let error = socket.commands(json!({"type": "no_such_thing"})).await;
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("error"), &json!("unknown_type"))
    );
    assert_eq!(error["retryable"], false);

    let commands = gateway.api.commands.lock().unwrap().clone();
    assert_eq!(commands[0]["user_id"], 1);
    assert_eq!(commands[0]["session_id"], 1);
    assert_eq!(commands[0]["role"], "user");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_api_a_command_gets_a_retryable_error() {
    // Nobody listens on port 1.
    let gateway = Gateway::start_with(&[("API_URL", "http://127.0.0.1:1")]).await;
    // Published and mirrored before: the head and the memberships are known to Redis, and so to the gateway.
    gateway.publish(1, 1).await;
    gateway.mirror_memberships(1).await;
    let (mut socket, _) = gateway.listen(1).await;
    let error = socket
        .commands(json!({"type": "private", "to": 2, "content": "hi"}))
        .await;
    assert_eq!(
        (&error["code"], &error["retryable"]),
        (&json!("unavailable"), &json!(true))
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn api_s_second_pod_is_asked_when_the_first_is_away() {
    let second = crate::stand_in::StandIn::start(shared::testing::MemoryLog::default()).await;
    let urls = format!("http://127.0.0.1:1,{}", second.url);
    let gateway = Gateway::start_with(&[("API_URL", &urls)]).await;
    let (mut socket, _) = gateway.listen(1).await;
    for _ in 0..4 {
        let ack = socket.commands(json!({"type": "echo"})).await;
        assert_eq!(ack["type"], "ack", "{ack}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_s_end_is_announced_and_can_be_put_off() {
    let clock = Clock::manual(Timestamp::UNIX_EPOCH);
    let gateway = Gateway::start_at(&clock, &[("HEARTBEAT", "1s")]).await;
    let (mut kept, welcome) = gateway.listen(1).await;
    let (mut forgotten, _) = gateway.listen(1).await;
    clock.advance(SignedDuration::from_secs(545));
    let expiring = kept.hears("session_expiring").await;
    let end = &welcome["data"]["session_expires_at"];
    assert_eq!(
        (&expiring["data"]["expires_at"], end),
        (&json!(600), &json!(600))
    );

    let ack = kept
        .commands(json!({"type": "refresh", "token": gateway.token(1)}))
        .await;
    assert_eq!(ack["data"]["session_expires_at"], 1145, "{ack}");
    clock.advance(SignedDuration::from_secs(60));
    let (code, reason) = forgotten.is_closed().await;
    assert_eq!(
        (code, reason.as_str()),
        (4100, r#"{"code":"token_expired"}"#)
    );
    let pong = kept.commands(json!({"type": "ping"})).await;
    assert_eq!(pong["type"], "pong");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_s_own_token_refreshes() {
    let gateway = Gateway::start().await;
    let (mut socket, _) = gateway.listen(1).await;
    let other_session = (user(1), SessionId::new(9).unwrap(), Role::User);
    let other_session = gateway
        .tokens
        .mint(Purpose::Access, other_session, Duration::from_mins(1))
        .0;
    let expired = gateway.mint(Purpose::Access, 1, Duration::ZERO);
    for (token, code) in [
        (json!(gateway.token(2)), "forbidden"),
        (json!(other_session), "forbidden"),
        (json!(expired), "token_expired"),
        (json!("nonsense"), "unauthenticated"),
        (json!(7), "validation_failed"),
    ] {
        let error = socket
            .commands(json!({"type": "refresh", "token": token}))
            .await;
        assert_eq!(
            (&error["type"], &error["code"]),
            (&json!("error"), &json!(code))
        );
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_commands_are_refused_and_told_when() {
    let gateway = Gateway::start_with(&[("RATE_LIMITS", "on"), ("COMMANDS_PER_SECOND", "1")]).await;
    let (mut socket, _) = gateway.listen(1).await;
    for number in 1..=10 {
        socket.send(json!({"type": "ping", "ref": number})).await;
    }
    let refused = socket.hears("error").await;
    assert_eq!(refused["code"], "rate_limited");
    assert_eq!(refused["retryable"], true);
    assert!(
        refused["retry_after_ms"]
            .as_u64()
            .is_some_and(|ms| (1..=1000).contains(&ms))
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_beats() {
    let gateway = Gateway::start_with(&[("HEARTBEAT", "1s"), ("PING", "2s")]).await;
    let (mut socket, _) = gateway.listen(1).await;
    assert_eq!(
        socket.frame().await,
        json!({"type": "heartbeat", "tops": {}})
    );
    gateway.publish(1, 2).await;
    assert_eq!(socket.offsets(2).await, [1, 2]);
    assert_eq!(
        socket.frame().await,
        json!({"type": "heartbeat", "tops": {"user:1": 2}})
    );
    // The client library answers pings by itself, so it is not taken for dead.
    for _ in 0..3 {
        assert_eq!(
            socket.frame().await,
            json!({"type": "heartbeat", "tops": {}})
        );
    }
    gateway.stop().await;
}
