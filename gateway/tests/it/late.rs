//! Handshakes whose time is over: whoever has asked for something is told so, and when to come back.

use crate::{
    harness::{Gateway, ORIGIN, PATIENCE, until},
    raw_socket::RawSocket,
};

const TIME: (&str, &str) = ("HANDSHAKE_TIMEOUT", "300ms");

/// What answers somebody with a browser's cookie who asks for this, until the end.
async fn ask(gateway: &Gateway, target: &str) -> String {
    let mut socket = RawSocket::connect(gateway).await;
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nCookie: session=s\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.send(request.as_bytes()).await;
    socket.answer().await
}

fn timeouts(gateway: &Gateway, transport: &str) -> u64 {
    gateway.metric(&format!(
        r#"hubbub_gateway_handshakes_total{{result="timeout",transport="{transport}"}}"#
    ))
}

fn is_told(answer: &str, lines: &[&str]) {
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let common = ["content-type: application/problem+json", "retry-after: "];
    for line in common.iter().chain(lines) {
        assert!(answer.contains(line), "no {line} in {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_checked_for_too_long() {
    let gateway = Gateway::start_with(&[TIME]).await;
    let shut = gateway.api.verifies.write().await;
    for (transport, target) in [
        ("websocket", "/ws"),
        ("sse", "/events"),
        ("poll", "/events/poll"),
        ("socketio", "/socket.io/?EIO=4&transport=polling"),
        ("socketio", "/socket.io/?EIO=4&transport=websocket"),
    ] {
        let before = timeouts(&gateway, transport);
        let answer = ask(&gateway, target).await;
        // A page of another origin may read it.
        let origin = format!("access-control-allow-origin: {ORIGIN}");
        is_told(&answer, &[r#""code":"unavailable""#, &origin]);
        assert_eq!(timeouts(&gateway, transport), before + 1, "{target}");
    }
    assert_eq!(timeouts(&gateway, "websocket"), 1, "each as what it is");
    drop(shut);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_their_turn_in_vain() {
    let gateway = Gateway::start_with(&[TIME, ("HANDSHAKES_MAX", "1")]).await;
    // Has begun to ask, and so has the only place there is, or will have it in a moment.
    let mut slow = RawSocket::connect(&gateway).await;
    slow.send(b"GET /ws HTTP/1.1\r\n").await;
    let turned_away = async {
        loop {
            let answer = ask(&gateway, "/events").await;
            if !answer.starts_with("HTTP/1.1 401 ") {
                break answer;
            }
        }
    };
    let answer = tokio::time::timeout(PATIENCE, turned_away).await;
    let answer = answer.expect("somebody is turned away in time");
    is_told(&answer, &[r#""code":"overloaded""#, "connection: close"]);
    assert_eq!(timeouts(&gateway, "sse"), 1);
    // Balancers would take the node out of service, and its handshakes would go to the next.
    let answer = ask(&gateway, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_nothing() {
    let gateway = Gateway::start_with(&[TIME]).await;
    let silent = RawSocket::connect(&gateway).await;
    assert_eq!(silent.answer().await, "");
    let counted = r#"hubbub_gateway_door_refusals_total{reason="time"}"#;
    until(|| gateway.metric(counted) == 1).await;
    assert_eq!(timeouts(&gateway, "websocket"), 0, "nobody knows what for");
    gateway.stop().await;
}
