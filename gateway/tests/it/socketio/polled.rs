//! Polled, and on from there.

use tokio::time::Instant;

use super::*;
use crate::harness::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_polled_like_any_other() {
    let gateway = Gateway::start().await;
    let polled = Polled::is_in(&gateway, &with_token(&gateway, 1)).await;
    let said = "420[\"ping\"]\u{1e}421[\"join\"]";
    let (posted, told) = tokio::join!(polled.post(said), polled.get());
    assert_eq!(posted, (200, "ok".to_owned()));
    let mut told = told.1;
    while told.matches('\u{1e}').count() < 1 {
        told = format!("{told}\u{1e}{}", polled.get().await.1);
    }
    assert_eq!(told, "430[{}]\u{1e}431[{\"userId\":\"1\"}]");
    gateway.publish(1, 1).await;
    assert!(polled.get().await.1.starts_with("42["));

    // Ended by the client: the connection behind it is gone, and so is the name.
    let (told, _) = tokio::join!(polled.get(), polled.post("1"));
    assert!(told == (200, "6".to_owned()) || told.0 == 400, "{told:?}");
    assert_eq!(polled.get().await.0, 400);
    until(|| gateway.metric(r#"hubbub_gateway_connections{transport="socketio"}"#) == 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_polls_end_their_own_session_only() {
    let gateway = Gateway::start().await;
    let auth = with_token(&gateway, 1);
    let other = Polled::is_in(&gateway, &with_token(&gateway, 2)).await;
    let long = "4".repeat(70_000);
    for (bad, status) in [("abc", 400), ("", 400), ("b!", 400), (&long, 413)] {
        let polled = Polled::is_in(&gateway, &auth).await;
        assert_eq!(polled.post(bad).await.0, status, "{bad}");
        assert_eq!(polled.get().await.0, 400, "{bad}");
    }
    let polled = Polled::is_in(&gateway, &auth).await;
    let (first, second) = tokio::join!(polled.get(), polled.get());
    let mut told = [first, second];
    told.sort();
    assert_eq!(told[0], (200, "1".to_owned()));
    assert_eq!(told[1].0, 400);
    assert_eq!(polled.get().await.0, 400);
    let unknown = Polled {
        http: HttpClient::new(&gateway.base),
        target: format!("{}/socket.io/?EIO=4&transport=polling&sid=x", gateway.base),
    };
    assert_eq!(unknown.get().await.0, 400);
    assert_eq!(unknown.send(Method::PUT, "").await.0, 400);

    other.post(r#"429["ping"]"#).await;
    assert_eq!(other.get().await.1, "439[{}]");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_posts_at_once_end_their_own_session_only() {
    let gateway = Gateway::start().await;
    let polled = Polled::is_in(&gateway, &with_token(&gateway, 1)).await;
    let other = Polled::is_in(&gateway, &with_token(&gateway, 2)).await;
    let sid = polled.sid().to_owned();
    let mut first = RawSocket::connect(&gateway).await;
    first.send(&post_begun("/socket.io/", &sid, "4")).await;
    let deadline = Instant::now() + PATIENCE;
    // Until the server has read of the first, there is only the second.
    while polled.post("3").await.0 == 200 {
        assert!(Instant::now() < deadline, "two posts at once");
    }
    first.send(b"1").await;
    assert!(first.answer().await.starts_with("HTTP/1.1 400 "));
    assert_eq!(polled.get().await.0, 400);
    other.post(r#"429["ping"]"#).await;
    assert_eq!(other.get().await.1, "439[{}]");
    let connections = r#"hubbub_gateway_connections{transport="socketio"}"#;
    until(|| gateway.metric(connections) == 1).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_keeps_no_handshake_out() {
    let settings = [("HANDSHAKES_MAX", "1"), ("HANDSHAKE_TIMEOUT", "5m")];
    let gateway = Gateway::start_with(&settings).await;
    let polled = Polled::is_in(&gateway, &with_token(&gateway, 1)).await;
    let other = Polled::is_in(&gateway, &with_token(&gateway, 2)).await;
    let mut slow = RawSocket::connect(&gateway).await;
    let head = post_announced("/socket.io/", polled.sid(), "");
    slow.send(&head).await;
    assert_eq!(slow.head().await, GO_ON);
    Client::is_in(&gateway, &with_token(&gateway, 3)).await;
    assert_eq!(
        other.post("3").await.0,
        503,
        "only other bodies are kept out"
    );
    slow.send(b"3").await;
    assert!(slow.answer().await.starts_with("HTTP/1.1 200 "));

    // One that breaks off ends its session.
    let mut broken = RawSocket::connect(&gateway).await;
    broken.send(&head).await;
    assert_eq!(broken.head().await, GO_ON);
    drop(broken);
    let told = polled.get().await;
    assert!(told == (200, "1".to_owned()) || told.0 == 400, "{told:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_too_late_ends_its_session() {
    let gateway = Gateway::start_with(&[("HANDSHAKE_TIMEOUT", "1s")]).await;
    let polled = Polled::open(&gateway).await;
    let mut slow = RawSocket::connect(&gateway).await;
    let head = post_announced("/socket.io/", polled.sid(), "");
    slow.send(&head).await;
    assert_eq!(slow.head().await, GO_ON);
    assert!(slow.answer().await.starts_with("HTTP/1.1 503 "));
    assert_eq!(polled.get().await.0, 400);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_not_come_in_is_told_by_a_poll_too() {
    let gateway = Gateway::start().await;
    let polled = Polled::open(&gateway).await;
    polled.post(r#"40{"token":"nonsense"}"#).await;
    assert!(polled.get().await.1.starts_with("44{"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_by_a_websocket_and_misses_nothing() {
    let gateway = Gateway::start().await;
    let polled = Polled::is_in(&gateway, &with_token(&gateway, 1)).await;
    let sid = polled.sid().to_owned();
    gateway.publish(1, 2).await;
    let mut socket = RawSocket::connect(&gateway).await;
    let target = format!("/socket.io/?EIO=4&transport=websocket&sid={sid}");
    socket.upgrade_at(&target, "").await;
    let mut client = Client(socket);
    client.say("2probe").await;
    assert_eq!(client.packet().await.unwrap(), "3probe");
    gateway.publish(1, 2).await;
    let (status, before) = polled.get().await;
    assert_eq!(status, 200);
    polled.post(r#"420["ping"]"#).await;
    client.say("5").await;
    client.say(r#"421["join"]"#).await;
    gateway.publish(1, 2).await;
    let mut told: Vec<_> = before.split('\u{1e}').map(str::to_owned).collect();
    while told
        .iter()
        .filter(|packet| packet.starts_with("42"))
        .count()
        < 6
        || told
            .iter()
            .filter(|packet| packet.starts_with("43"))
            .count()
            < 2
    {
        told.push(client.packet().await.unwrap());
    }
    let offsets = told.iter().filter_map(|packet| packet.strip_prefix("42"));
    let ids: Vec<_> = offsets
        .map(|event| serde_json::from_str::<Value>(event).unwrap()[1]["eventId"].clone())
        .collect();
    assert_eq!(ids.len(), 6, "nothing twice");
    assert!(
        ids.iter()
            .enumerate()
            .all(|(at, id)| !ids[..at].contains(id))
    );
    assert_eq!(
        gateway.metric(r#"hubbub_engineio_upgrades_total{result="ok"}"#),
        1
    );
    drop(client);
    until(|| gateway.metric(r#"hubbub_gateway_connections{transport="socketio"}"#) == 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_closes_the_engine_and_not_the_namespace() {
    let gateway = Gateway::start().await;
    let polled = Polled::is_in(&gateway, &with_token(&gateway, 1)).await;
    gateway.lifecycle.drain();
    let mut told = Vec::new();
    while told.last().is_none_or(|last| last != "1") {
        let (status, body) = polled.get().await;
        assert_eq!(status, 200, "{told:?}");
        told.extend(body.split('\u{1e}').map(str::to_owned));
    }
    assert!(
        !told.iter().any(|packet| packet.starts_with("41")),
        "{told:?}"
    );
    gateway.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_of_allowed_origins_may_poll() {
    let gateway = Gateway::start().await;
    let http = HttpClient::new(&gateway.base);
    let target = format!("{}/socket.io/?EIO=4&transport=polling", gateway.base);
    for (origin, allowed) in [(ORIGIN, true), ("https://elsewhere.example", false)] {
        for method in [Method::OPTIONS, Method::GET, Method::POST] {
            let request = Request::builder().method(&method).uri(&target);
            let request = request.header("origin", origin);
            let answer = http.send_raw(request.body(Full::default()).unwrap());
            let answer = answer.await.unwrap();
            let told = answer.headers.get("access-control-allow-origin");
            assert_eq!(told.is_some_and(|told| told == origin), allowed, "{method}");
            assert_eq!(answer.headers["vary"], "origin");
            if method == Method::OPTIONS {
                assert_eq!(answer.status, 204);
                let methods = &answer.headers["access-control-allow-methods"];
                assert_eq!(methods, "GET, POST, OPTIONS");
            }
        }
    }
    gateway.stop().await;
}
