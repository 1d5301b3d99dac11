//! The door: every way to say who one is, and every way to be turned away.

use std::{sync::atomic::Ordering, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use shared::{
    credentials::{Purpose, Revocations},
    ids::SessionId,
    testing::{ConnectError, Credentials, HttpClient, RedisServer, WireClient},
    wire::Problem,
};

use crate::{
    harness::{Gateway, ORIGIN, Socket, welcomed},
    stand_in::identity,
};

/// Status and code of a refusal.
pub(crate) async fn refusal(gateway: &Gateway, credentials: Credentials) -> (u16, String) {
    match WireClient::connect(&gateway.connect(credentials)).await {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_in_header_query_and_first_frame() {
    let gateway = Gateway::start().await;
    let token = gateway.token(1);
    for credentials in [
        Credentials::Bearer(token.clone()),
        Credentials::Query(token.clone()),
    ] {
        let (_, welcome) = welcomed(&gateway.connect(credentials)).await.unwrap();
        assert_eq!(welcome["data"]["user_id"], 1);
        assert_eq!(welcome["data"]["heartbeat_seconds"], 25);
    }

    let connect = gateway.connect(Credentials::None);
    let mut socket = Socket(WireClient::connect(&connect).await.unwrap());
    socket.send(json!({"type": "auth", "token": token})).await;
    // Sent before it was asked for: heard all the same.
    socket.send(json!({"type": "ping", "ref": 1})).await;
    assert_eq!(socket.frame().await["type"], "welcome");
    assert_eq!(socket.frame().await, json!({"type": "pong", "ref": 1}));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_token_opens_while_the_session_stands() {
    let gateway = Gateway::start().await;
    let (_, welcome) = gateway.listen(1).await;
    let token = welcome["data"]["resume_token"].as_str().unwrap().to_owned();
    let (_, again) = welcomed(&gateway.connect(Credentials::Bearer(token.clone())))
        .await
        .unwrap();
    // A resume token does not prolong itself.
    let end = gateway
        .tokens
        .verify(Purpose::Resume, &token)
        .unwrap()
        .expires_at;
    let next = again["data"]["resume_token"].as_str().unwrap();
    let next = gateway.tokens.verify(Purpose::Resume, next).unwrap();
    assert!(next.expires_at <= end);
    assert_eq!(again["data"]["session_expires_at"], end);

    let revocations = Revocations::new(gateway.bus.clone());
    revocations
        .mark(&[SessionId::new(1).unwrap()])
        .await
        .unwrap();
    assert_eq!(
        refusal(&gateway, Credentials::Bearer(token)).await,
        (401, "session_revoked".to_owned())
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_once() {
    let gateway = Gateway::start().await;
    *gateway.api.verified.lock().unwrap() = Some(identity(&json!(1)));
    let ticket = gateway.mint(Purpose::Ticket, 1, Duration::from_secs(30));
    let connect = gateway.connect(Credentials::Query(ticket.clone()));
    let (_, welcome) = welcomed(&connect).await.unwrap();
    assert_eq!(welcome["data"]["session_expires_at"], 4_000_000_000_i64);
    assert_eq!(
        refusal(&gateway, Credentials::Query(ticket)).await,
        (401, "unauthenticated".to_owned())
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_opens_from_a_known_origin_only() {
    let gateway = Gateway::start().await;
    let cookie = |origin: &str| Credentials::Cookie {
        session: "1.secret".to_owned(),
        origin: origin.to_owned(),
    };
    assert_eq!(
        refusal(&gateway, cookie(ORIGIN)).await,
        (401, "unauthenticated".to_owned())
    );
    *gateway.api.verified.lock().unwrap() = Some(identity(&json!(3)));
    let (_, welcome) = welcomed(&gateway.connect(cookie(ORIGIN))).await.unwrap();
    assert_eq!(welcome["data"]["user_id"], 3);
    for origin in [
        "https://evil.example",
        "https://app.example.evil",
        "null",
        "",
    ] {
        assert_eq!(
            refusal(&gateway, cookie(origin)).await,
            (403, "origin_not_allowed".to_owned()),
            "{origin}"
        );
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_nobody_stays_outside() {
    let gateway = Gateway::start().await;
    let expired = gateway.mint(Purpose::Access, 1, Duration::ZERO);
    let internal = gateway.mint(Purpose::Internal, 1, Duration::from_mins(1));
    let token = gateway.token(1);
    for (token, code) in [
        (expired.as_str(), "token_expired"),
        (internal.as_str(), "unauthenticated"),
        (&token[..token.len() - 1], "unauthenticated"),
        ("nonsense", "unauthenticated"),
    ] {
        for credentials in [
            Credentials::Bearer(token.to_owned()),
            Credentials::Query(token.to_owned()),
        ] {
            assert_eq!(
                refusal(&gateway, credentials).await,
                (401, code.to_owned()),
                "{token}"
            );
        }
        let connect = gateway.connect(Credentials::None);
        let mut socket = Socket(WireClient::connect(&connect).await.unwrap());
        socket.send(json!({"type": "auth", "token": token})).await;
        let error = socket.hears("error").await;
        assert_eq!(error["code"], code, "{token}");
        let expected = if code == "token_expired" { 4100 } else { 4001 };
        assert_eq!(socket.is_closed().await.0, expected, "{token}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_frame_must_come_and_must_be_one() {
    let gateway = Gateway::start_with(&[("AUTH_TIMEOUT", "100ms")]).await;
    let connect = gateway.connect(Credentials::None);
    let mut silent = Socket(WireClient::connect(&connect).await.unwrap());
    assert_eq!(silent.is_closed().await.0, 4001);

    let mut chatty = Socket(WireClient::connect(&connect).await.unwrap());
    chatty.send(json!({"type": "ping"})).await;
    assert_eq!(chatty.hears("error").await["code"], "unauthenticated");
    assert_eq!(chatty.is_closed().await.0, 4001);

    let mut confused = Socket(WireClient::connect(&connect).await.unwrap());
    let token = gateway.token(1);
    confused
        .send(json!({"type": "auth", "token": token, "resume": [1]}))
        .await;
    assert_eq!(confused.hears("error").await["code"], "invalid_request");
    assert_eq!(confused.is_closed().await.0, 4300);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_marks_are_gone_api_is_asked() {
    let gateway = Gateway::start_on(&shared::testing::shared_redis(), &[]).await;
    let token = Credentials::Bearer(gateway.token(1));
    *gateway.api.verified.lock().unwrap() = Some(json!({"refused": "session_revoked"}));
    assert_eq!(
        refusal(&gateway, token.clone()).await,
        (401, "session_revoked".to_owned())
    );
    *gateway.api.verified.lock().unwrap() = Some(identity(&json!(1)));
    welcomed(&gateway.connect(token)).await.unwrap();
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_the_door_says_when_to_come_back() {
    let mut redis = RedisServer::start().await;
    let gateway = Gateway::start_on(&redis.settings(), &[("REDIS_TIMEOUT", "500ms")]).await;
    let (mut inside, _) = gateway.listen(1).await;
    redis.kill();

    let connect = gateway.connect(Credentials::Bearer(gateway.token(1)));
    let Err(ConnectError::Refused {
        status,
        retry_after,
        problem,
    }) = WireClient::connect(&connect).await
    else {
        panic!("let in");
    };
    assert_eq!((status.as_u16(), retry_after), (503, Some(1)));
    assert_eq!(problem["code"], "unavailable");

    let connect = gateway.connect(Credentials::None);
    let mut late = Socket(WireClient::connect(&connect).await.unwrap());
    late.send(json!({"type": "auth", "token": gateway.token(1)}))
        .await;
    assert_eq!(late.hears("error").await["code"], "unavailable");
    let (code, reason) = late.is_closed().await;
    assert_eq!(
        (code, reason.as_str()),
        (4204, r#"{"code":"overloaded","retry_after_ms":1000}"#)
    );

    let pong = inside.commands(json!({"type": "ping"})).await;
    assert_eq!(pong["type"], "pong", "who is inside stays");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_subprotocol_is_echoed_and_unknown_versions_are_told() {
    let gateway = Gateway::start().await;
    for (offer, chosen) in [
        ("hubbub.v1", Some("hubbub.v1")),
        ("hubbub.v9, hubbub.v1", Some("hubbub.v1")),
        ("hubbub.v1, hubbub.v1.nd", Some("hubbub.v1")),
        ("hubbub.v1.nd, hubbub.v1", Some("hubbub.v1.nd")),
        ("chat", None),
    ] {
        let mut connect = gateway.connect(Credentials::Bearer(gateway.token(1)));
        connect.protocols = Some(offer.to_owned());
        let (socket, _) = welcomed(&connect).await.unwrap();
        assert_eq!(socket.0.protocol.as_deref(), chosen, "{offer}");
    }
    let mut connect = gateway.connect(Credentials::Bearer(gateway.token(1)));
    connect.protocols = Some("hubbub.v9".to_owned());
    let mut socket = Socket(WireClient::connect(&connect).await.unwrap());
    let (code, reason) = socket.is_closed().await;
    assert_eq!(
        (code, reason.as_str()),
        (4007, r#"{"code":"unsupported_version"}"#)
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_resume_is_refused_whole() {
    let gateway = Gateway::start().await;
    for resume in [
        json!([]),
        json!({"user:1": 7}),
        json!({"user:1": {"epoch": "x", "offset": 1}}),
        json!({"user:1": {"epoch": "0000000000000000", "offset": -1}}),
        json!({"user:1": {"offset": 1}}),
    ] {
        let mut connect = gateway.connect(Credentials::Bearer(gateway.token(1)));
        connect.resume = Some(resume.clone());
        let Err(ConnectError::Refused {
            status, problem, ..
        }) = WireClient::connect(&connect).await
        else {
            panic!("let in with {resume}");
        };
        assert_eq!(status.as_u16(), 400, "{resume}");
        assert_eq!(problem["code"], "invalid_request", "{resume}");
    }
    let http = HttpClient::new(&gateway.base);
    let url = format!("/ws?resume={}", BASE64_URL_SAFE_NO_PAD.encode("{"));
    let answer = http
        .send(hyper::Method::GET, &url, None, None)
        .await
        .unwrap();
    assert_eq!(answer.code(), Some("invalid_request"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_is_a_problem_document() {
    let gateway = Gateway::start_with(&[("CONNECTIONS_MAX", "1")]).await;
    let http = HttpClient::new(&gateway.base);
    for (method, path, status, code) in [
        (hyper::Method::GET, "/nowhere", 404, "not_found"),
        (hyper::Method::POST, "/ws", 405, "method_not_allowed"),
        (hyper::Method::GET, "/ws", 400, "invalid_request"),
    ] {
        let answer = http.send(method, path, None, None).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (status, Some(code)),
            "{path}"
        );
        assert_eq!(answer.headers["content-type"], Problem::CONTENT_TYPE);
    }
    for path in ["/healthz", "/readyz"] {
        let answer = http
            .send(hyper::Method::GET, path, None, None)
            .await
            .unwrap();
        assert_eq!(answer.status.as_u16(), 200, "{path}");
    }

    let (_socket, _) = gateway.listen(1).await;
    assert_eq!(
        refusal(&gateway, Credentials::Bearer(gateway.token(2))).await,
        (503, "overloaded".to_owned())
    );
    assert_eq!(
        gateway.metric(r#"hubbub_gateway_connections{transport="websocket"}"#),
        1
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_waits_for_its_turn_and_order_is_kept() {
    let gateway = Gateway::start().await;
    let (mut socket, _) = gateway.listen(1).await;
    gateway.api.hold.store(true, Ordering::SeqCst);
    for number in 1..=3 {
        socket.send(json!({"type": "echo", "ref": number})).await;
    }
    let pong = socket.commands(json!({"type": "ping"})).await;
    assert_eq!(pong["type"], "pong", "what needs no api does not wait");
    gateway.api.hold.store(false, Ordering::SeqCst);
    gateway.api.go.notify_one();
    for number in 1..=3 {
        let ack = socket.frame().await;
        assert_eq!((&ack["type"], &ack["ref"]), (&json!("ack"), &json!(number)));
    }
    gateway.stop().await;
}
