//! Server-Sent Events: the same session, the same history, another way out.

use std::time::Duration;

use serde_json::json;
use shared::{
    credentials::Purpose,
    testing::{Credentials, event},
    wire::Class,
};

use crate::{
    event_source::EventSource,
    harness::{Gateway, ORIGIN, channel, until},
};

async fn open(gateway: &Gateway) -> EventSource {
    let target = format!("/events?token={}", gateway.token(1));
    EventSource::open(gateway, &target, "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_begins_with_welcome_and_goes_on_with_events() {
    let gateway = Gateway::start().await;
    gateway.publish(1, 2).await;
    let mut source = open(&gateway).await;
    assert_eq!(source.status, 200);
    assert_eq!(source.headers["content-type"], "text/event-stream");
    assert_eq!(source.headers["cache-control"], "no-store");
    assert_eq!(source.headers["x-accel-buffering"], "no");

    let welcome = source.next().await.unwrap();
    assert_eq!(welcome.name, "message");
    assert_eq!(welcome.data["type"], "welcome");
    assert_eq!(welcome.data["data"]["channels"]["user:1"]["offset"], 2);
    assert!((1000..2000).contains(&source.retry_ms.unwrap()));
    let at_welcome = source.last_event_id.clone();
    assert!(!at_welcome.is_empty());

    gateway.publish(1, 3).await;
    assert_eq!(source.offsets(3).await, [3, 4, 5]);
    assert_ne!(source.last_event_id, at_welcome);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_id_resumes_and_the_header_is_newer_than_the_address() {
    let gateway = Gateway::start().await;
    let mut source = open(&gateway).await;
    source.hears("welcome").await;
    let first_id = source.last_event_id.clone();
    gateway.publish(1, 2).await;
    assert_eq!(source.offsets(2).await, [1, 2]);
    let id = source.last_event_id.clone();
    drop(source);
    gateway.publish(1, 300).await;

    let token = gateway.token(1);
    let target = format!("/events?token={token}&last_event_id={first_id}");
    let header = format!("last-event-id: {id}\r\n");
    for (header, since) in [(header.as_str(), 2), ("", 0)] {
        let mut source = EventSource::open(&gateway, &target, header).await;
        let welcome = source.hears("welcome").await;
        let start = &welcome["data"]["channels"]["user:1"];
        assert_eq!(
            (&start["offset"], &start["recovered"]),
            (&json!(since), &json!(true))
        );
        // More than a queue holds, and nothing is missing.
        let count = usize::try_from(302 - since).unwrap();
        let expected: Vec<u64> = (since + 1..=302).collect();
        assert_eq!(source.offsets(count).await, expected);
    }
    let recovered = r#"hubbub_gateway_resumes_total{result="recovered",transport="sse"}"#;
    assert_eq!(gateway.metric(recovered), 2);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_moves_the_client_on_has_an_id_and_names_are_for_those_who_want_them() {
    let gateway = Gateway::start().await;
    let target = format!("/events?named=true&token={}", gateway.token(1));
    let mut source = EventSource::open(&gateway, &target, "").await;
    assert_eq!(source.next().await.unwrap().name, "welcome");
    let at_welcome = source.last_event_id.clone();
    let mut chatter = event(channel(1), None);
    chatter.class = Class::Chatter;
    // A body that is laid out in lines is still one event.
    chatter.body = "{\"timestamp\":0,\r\n\"data\":{\n}}".into();
    gateway.bus.publish(&[chatter.clone()]).await.unwrap();
    let heard = source.next().await.unwrap();
    assert_eq!(heard.name, &*chatter.kind);
    assert_eq!(heard.data["data"], json!({}));
    assert_eq!(source.last_event_id, at_welcome);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_says_why_and_when_to_come_back() {
    let gateway = Gateway::start().await;
    let mut source = open(&gateway).await;
    source.hears("welcome").await;
    gateway.revoke(1, 1).await;
    let close = source.hears("close").await;
    assert_eq!(
        close["data"],
        json!({"code": 4004, "name": "session_revoked"})
    );
    // An EventSource comes back whatever it is told; this one not before tomorrow.
    assert_eq!(source.retry_ms, Some(86_400_000));
    assert!(source.next().await.is_none());

    let target = format!("/events?token={}", gateway.token(2));
    let mut other = EventSource::open(&gateway, &target, "").await;
    other.hears("welcome").await;
    gateway.lifecycle.drain();
    let after_ms = other.hears("reconnect").await["data"]["after_ms"].clone();
    let close = other.hears("close").await;
    assert_eq!(close["data"]["code"], 1001);
    assert_eq!(close["data"]["retry_after_ms"], after_ms);
    assert_eq!(other.retry_ms, after_ms.as_u64());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_credentials_as_everywhere_and_nothing_without_them() {
    let gateway = Gateway::start().await;
    *gateway.api.verified.lock().unwrap() = Some(crate::stand_in::identity(&json!(1)));
    let cookie = "cookie: session=x\r\n";
    let foreign = format!("{cookie}origin: https://evil.example\r\n");
    let expired = gateway.mint(Purpose::Access, 1, Duration::ZERO);
    for (target, headers, expected) in [
        ("/events", "", (401, "unauthenticated")),
        ("/events/poll", "", (401, "unauthenticated")),
        ("/events", cookie, (403, "origin_not_allowed")),
        ("/events/poll", &foreign, (403, "origin_not_allowed")),
        ("/events?token=x", "", (401, "unauthenticated")),
        (
            &format!("/events?token={expired}"),
            "",
            (401, "token_expired"),
        ),
        (
            &format!("/events?token={}&last_event_id=x", gateway.token(1)),
            "",
            (400, "invalid_request"),
        ),
    ] {
        let refused = EventSource::open(&gateway, target, headers).await;
        let status = refused.status;
        let problem: serde_json::Value = serde_json::from_str(&refused.body().await).unwrap();
        assert_eq!(
            (status, problem["code"].as_str().unwrap()),
            expected,
            "{target}"
        );
    }
    // Where the page is this address's own, the browser says so, and names no origin.
    let own = format!("{cookie}sec-fetch-site: same-origin\r\n");
    assert_eq!(
        EventSource::open(&gateway, "/events", &own).await.status,
        200
    );
    let allowed = format!("{cookie}origin: {ORIGIN}\r\n");
    let mut source = EventSource::open(&gateway, "/events", &allowed).await;
    assert_eq!(source.headers["access-control-allow-origin"], ORIGIN);
    assert_eq!(source.headers["access-control-allow-credentials"], "true");
    source.hears("welcome").await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_known_origins_may_ask() {
    let gateway = Gateway::start().await;
    for (origin, allowed) in [(ORIGIN, true), ("https://evil.example", false)] {
        let headers = format!(
            "origin: {origin}\r\naccess-control-request-method: GET\r\n\
             access-control-request-headers: authorization\r\n"
        );
        for target in ["/events", "/events/poll"] {
            let answer = EventSource::request(&gateway, "OPTIONS", target, &headers).await;
            assert_eq!(answer.status, 204);
            assert_eq!(answer.headers["vary"], "origin");
            let listed = &answer.headers["access-control-allow-headers"];
            assert!(listed.contains("authorization"), "{listed}");
            let told = answer.headers.get("access-control-allow-origin");
            assert_eq!(told.is_some(), allowed, "{origin}");
        }
    }
    let token = gateway.token(1);
    for (target, expected) in [
        (format!("/events?token={token}"), 200),
        ("/events".to_owned(), 401),
    ] {
        let head = EventSource::request(&gateway, "HEAD", &target, "").await;
        assert_eq!(head.status, expected);
        assert_eq!(head.body().await, "");
    }
    let answer = EventSource::request(&gateway, "POST", "/events", "").await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.headers["allow"], "GET, HEAD, OPTIONS");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_to_be_said_on_a_stream() {
    let gateway = Gateway::start().await;
    let mut source = open(&gateway).await;
    source.hears("welcome").await;
    source.says(b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(source.hears("close").await["data"]["code"], 1002);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_counts_as_one_of_the_user_s_connections_and_leaves_no_trace() {
    let gateway = Gateway::start_with(&[("CONNECTIONS_PER_USER", "1")]).await;
    let mut source = open(&gateway).await;
    source.hears("welcome").await;
    let open = r#"hubbub_gateway_connections{transport="sse"}"#;
    assert_eq!(gateway.metric(open), 1);
    let connect = gateway.connect(Credentials::Bearer(gateway.token(1)));
    let _socket = crate::harness::welcomed(&connect).await.unwrap();
    assert_eq!(source.hears("close").await["data"]["code"], 4008);
    drop(source);
    until(|| gateway.metric(open) == 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_read_is_closed_and_its_id_brings_what_was_cut_off() {
    let gateway = Gateway::start_with(&[("QUEUE_FRAMES", "64"), ("QUEUE_BYTES", "262144")]).await;
    let mut stuck = open(&gateway).await;
    stuck.hears("welcome").await;
    let slow = r#"hubbub_gateway_connections_closed_total{reason="slow_consumer",transport="sse"}"#;
    let filler = "x".repeat(60_000);
    let mut published: u64 = 0;
    while gateway.metric(slow) == 0 {
        assert!(published < 2_000, "nobody was closed");
        let mut large = gateway.log.commit(channel(1));
        large.body = format!(r#"{{"timestamp":0,"data":{{"filler":"{filler}"}}}}"#).into();
        gateway.bus.append(&[large]).await.unwrap();
        published += 1;
    }
    let mut heard = Vec::new();
    loop {
        let event = stuck.next().await.expect("it says goodbye");
        if event.data["type"] == "close" {
            assert_eq!(event.data["data"]["code"], 4201);
            break;
        }
        heard.extend(event.data["offset"].as_u64());
    }
    let mut source = EventSource::resume(&gateway, 1, &stuck.last_event_id).await;
    let missing = usize::try_from(published).unwrap() - heard.len();
    heard.extend(source.offsets(missing).await);
    let expected: Vec<u64> = (1..=published).collect();
    assert_eq!(heard, expected);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_beats_and_is_not_taken_for_dead() {
    let gateway = Gateway::start_with(&[("HEARTBEAT", "1s"), ("PING", "500ms")]).await;
    let mut source = open(&gateway).await;
    source.hears("welcome").await;
    gateway.publish(1, 1).await;
    // Longer than two intervals of silence, which a client of a stream cannot break.
    let mut beats = Vec::new();
    while beats.len() < 3 {
        beats.push(source.hears("heartbeat").await["tops"].clone());
    }
    assert!(beats.contains(&json!({"user:1": 1})), "{beats:?}");
    gateway.stop().await;
}
