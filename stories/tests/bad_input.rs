//! Bad input gets a clear answer with a stable code, never a hang, a panic or a silent close; others notice nothing.

use hyper::Method;
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    credentials::{Purpose, Role, Tokens},
    ids::{SessionId, UserId},
    testing::{Connect, ConnectError, Credentials, WireClient},
};
use std::time::Duration;
use stories::{Cluster, Node, Person};

#[tokio::test]
async fn over_http() {
    let cluster = Cluster::start().await;
    let api = &cluster.api[0];
    let ana = Person::sign_up(api, "ana").await;
    let bo = Person::sign_up(api, "bob").await;

    let too_large = 9_007_199_254_740_992_i64;
    for (body, status, code) in [
        (json!({"to": bo.id, "content": 7}), 422, "validation_failed"),
        (json!({"to": bo.id}), 422, "validation_failed"),
        (
            json!({"to": bo.id, "content": ""}),
            422,
            "validation_failed",
        ),
        (
            json!({"to": bo.id, "content": "a\0b"}),
            422,
            "validation_failed",
        ),
        (
            json!({"to": bo.id, "content": "x".repeat(10_001)}),
            422,
            "validation_failed",
        ),
        (
            json!({"to": too_large, "content": "hi"}),
            422,
            "validation_failed",
        ),
        (json!({"to": -1, "content": "hi"}), 422, "validation_failed"),
        (json!({"to": 4_000_000, "content": "hi"}), 404, "not_found"),
        (
            json!({"to": ana.id, "content": "hi"}),
            409,
            "self_not_allowed",
        ),
        (json!({"content": "hi"}), 422, "validation_failed"),
        (json!([]), 422, "validation_failed"),
        (
            json!({"to": bo.id, "content": "x".repeat(100_000)}),
            413,
            "payload_too_large",
        ),
    ] {
        let answer = ana
            .request(api, Method::POST, "/messages", Some(body.clone()))
            .await;
        let short: String = body.to_string().chars().take(80).collect();
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (status, Some(code)),
            "{short}: {}",
            answer.json
        );
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    for (path, status, code) in [
        (format!("/users/{too_large}"), 404, "not_found"),
        ("/users/x".to_owned(), 404, "not_found"),
        ("/users/1%00".to_owned(), 404, "not_found"),
        ("/nowhere".to_owned(), 404, "not_found"),
        (
            "/notifications?limit=1000".to_owned(),
            422,
            "validation_failed",
        ),
        ("/feed?cursor=%21".to_owned(), 400, "invalid_request"),
    ] {
        let answer = ana.request(api, Method::GET, &path, None).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (status, Some(code)),
            "{path}: {}",
            answer.json
        );
    }

    // Strings are accepted for ids, and the same client_message_id gives the first message back.
    let message = json!({"to": bo.id.to_string(), "content": "hi", "client_message_id": "one"});
    let first = ana
        .request(api, Method::POST, "/messages", Some(message.clone()))
        .await;
    assert_eq!(first.status.as_u16(), 201, "{}", first.json);
    let again = ana
        .request(&cluster.api[1], Method::POST, "/messages", Some(message))
        .await;
    assert_eq!(again.json["id"], first.json["id"]);
    let other = json!({"to": bo.id, "content": "other", "client_message_id": "one"});
    let other = ana
        .request(api, Method::POST, "/messages", Some(other))
        .await;
    assert_eq!(other.code(), Some("idempotency_conflict"), "{}", other.json);
    cluster.stop().await;
}

/// Tokens as they come, each with the status and code it deserves, over HTTP and at the socket's door.
#[tokio::test]
async fn at_the_door() {
    let cluster = Cluster::start().await;
    let [api, gateway] = [&cluster.api[0], &cluster.gateway[0]];
    let ana = Person::sign_up(api, "ana").await;
    let who = (
        UserId::new(ana.id).unwrap(),
        SessionId::new(1).unwrap(),
        Role::User,
    );

    let foreign_secret = "another secret that is long enough".parse().unwrap();
    let forged = Tokens::new(&[foreign_secret], Clock::System)
        .mint(Purpose::Access, who, Duration::from_mins(5))
        .0;
    let long_ago = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
    let ours = Tokens::new(&[cluster.jwt_secret.parse().unwrap()], long_ago);
    let expired = ours.mint(Purpose::Access, who, Duration::from_mins(5)).0;
    let ours = Tokens::new(&[cluster.jwt_secret.parse().unwrap()], Clock::System);
    let wrong_purpose = ours.mint(Purpose::Internal, who, Duration::from_mins(5)).0;

    for (token, code) in [
        (forged.as_str(), "unauthenticated"),
        (&expired, "token_expired"),
        (&wrong_purpose, "unauthenticated"),
        ("nonsense", "unauthenticated"),
        (&ana.token[..ana.token.len() - 2], "unauthenticated"),
    ] {
        let answer = api
            .http
            .send(Method::GET, "/api/v1/auth/me", Some(token), None)
            .await
            .unwrap();
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (401, Some(code)),
            "{token}"
        );
        for credentials in [
            Credentials::Bearer(token.to_owned()),
            Credentials::Query(token.to_owned()),
        ] {
            assert_eq!(
                refusal(gateway, credentials).await,
                (401, code.to_owned()),
                "{token}"
            );
        }
    }
    let cookie = |origin: &str| Credentials::Cookie {
        session: "1.nonsense".to_owned(),
        origin: origin.to_owned(),
    };
    assert_eq!(
        refusal(gateway, cookie("https://evil.example")).await,
        (403, "origin_not_allowed".to_owned())
    );
    cluster.stop().await;
}

async fn refusal(gateway: &Node, credentials: Credentials) -> (u16, String) {
    let mut connect = Connect::bearer(gateway.http.base(), "");
    connect.credentials = credentials;
    match WireClient::connect(&connect).await {
        Err(ConnectError::Refused {
            status, problem, ..
        }) => (
            status.as_u16(),
            problem["code"].as_str().unwrap_or_default().to_owned(),
        ),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("let in"),
    }
}

#[tokio::test]
async fn on_an_open_socket() {
    let cluster = Cluster::start().await;
    let [api, gateway] = [&cluster.api[0], &cluster.gateway[0]];
    let (ana, bo) = (
        Person::sign_up(api, "ana").await,
        Person::sign_up(api, "bob").await,
    );
    let mut socket = ana.listens(gateway).await;

    for (command, code) in [
        (json!({"type": "no_such_command"}), "unknown_type"),
        (
            json!({"type": "private", "to": bo.id, "content": 7}),
            "validation_failed",
        ),
        (json!({"type": "private", "to": bo.id}), "validation_failed"),
        (
            json!({"type": "private", "to": bo.id, "content": "a\0b"}),
            "validation_failed",
        ),
        (
            json!({"type": "private", "to": 9_007_199_254_740_992_i64, "content": "x"}),
            "validation_failed",
        ),
        (
            json!({"type": "private", "to": 4_000_000, "content": "x"}),
            "not_found",
        ),
        (
            json!({"type": "private", "to": ana.id, "content": "x"}),
            "self_not_allowed",
        ),
        (
            json!({"type": "read", "conversation_id": 4_000_000, "seq": 1}),
            "not_found",
        ),
        (json!({"type": "refresh", "token": bo.token}), "forbidden"),
        (
            json!({"type": "refresh", "token": "nonsense"}),
            "unauthenticated",
        ),
    ] {
        let answer = socket.commands(command.clone()).await;
        assert_eq!(
            (&answer["type"], &answer["code"]),
            (&json!("error"), &json!(code)),
            "{command}: {answer}"
        );
        assert!(
            answer["message"].is_string() && answer["retryable"].is_boolean(),
            "{answer}"
        );
    }

    // A channel that is unknown or somebody else's: said, and everything else goes on.
    let channel = format!("user:{}", ana.id);
    for foreign in [format!("user:{}", bo.id), "nonsense".to_owned()] {
        let position = json!({"epoch": "0000000000000000", "offset": 0});
        let answer = socket
            .commands(json!({"type": "sync", "channels": {&foreign: position}}))
            .await;
        let refused = answer["type"] == "error"
            || answer["data"]["channels"][&foreign]["recovered"] == Value::Bool(false);
        assert!(refused, "{foreign}: {answer}");
    }
    bo.says(api, &ana, "still here").await;
    assert_eq!(
        socket.hears("private_message").await["channel"],
        channel.as_str()
    );
    cluster.stop().await;
}
