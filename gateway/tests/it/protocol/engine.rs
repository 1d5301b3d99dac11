//! Engine.IO: beginnings, messages, signs of life, ends.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::*;
use crate::harness::PATIENCE;

const SEPARATED: &str = "4one\u{1e}bAQIDBA==\u{1e}4two";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_with_its_terms() {
    let echo = Echo::start(Protocol::EngineIo).await;
    for (transport, upgrades) in [("polling", json!(["websocket"])), ("websocket", json!([]))] {
        let terms = if transport == "polling" {
            let begun = echo.ask(Method::GET, "EIO=4&transport=polling", "").await;
            opened(&begun.1)
        } else {
            let mut socket = echo.websocket_at("").await;
            opened(&socket.text().await)
        };
        assert!(terms["sid"].as_str().is_some_and(|sid| sid.len() >= 20));
        assert_eq!(terms["upgrades"], upgrades);
        assert_eq!(terms["pingInterval"], 300);
        assert_eq!(terms["pingTimeout"], 200);
        assert_eq!(terms["maxPayload"], 1_000_000);
        assert_eq!(terms.as_object().unwrap().len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_beginning_is_refused() {
    let echo = Echo::start(Protocol::EngineIo).await;
    for (method, query, code) in [
        (Method::GET, "transport=polling", 5),
        (Method::GET, "EIO=3&transport=polling", 5),
        (Method::GET, "EIO=abc&transport=polling", 5),
        (Method::GET, "EIO=4", 0),
        (Method::GET, "EIO=4&transport=abc", 0),
        (Method::POST, "EIO=4&transport=polling", 2),
        (Method::PUT, "EIO=4&transport=polling", 2),
        (Method::GET, "EIO=4&transport=polling&sid=unknown", 1),
        (Method::POST, "EIO=4&transport=polling&sid=unknown", 1),
        (Method::GET, "EIO=4&transport=websocket", 3),
        (Method::POST, "EIO=4&transport=websocket", 2),
    ] {
        let (status, body) = echo.ask(method, query, "").await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["code"]), (400, &json!(code)), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_posted_comes_back() {
    let echo = Echo::start(Protocol::EngineIo).await;
    for payload in ["4hello", SEPARATED, "4", "4€uro \u{1f600}"] {
        let sid = echo.polled().await;
        let posted = echo.post(&sid, payload).await;
        assert_eq!(posted, (200, "ok".to_owned()));
        let mut told = echo.get(&sid).await.1;
        while told.len() < payload.len() {
            told = format!("{told}\u{1e}{}", echo.get(&sid).await.1);
        }
        assert_eq!(told, payload);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_comes_back() {
    let echo = Echo::start(Protocol::EngineIo).await;
    let mut socket = echo.websocket().await;
    socket.say("4hello").await;
    assert_eq!(socket.text().await, "4hello");
    socket.attach(&[1, 2, 3, 4]).await;
    assert_eq!(socket.binary().await, [1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_packet_ends_the_session() {
    let echo = Echo::start(Protocol::EngineIo).await;
    for bad in ["abc", "", "4one\u{1e}", "b!", "7", "4one\u{1e}abc"] {
        let sid = echo.polled().await;
        assert_eq!(echo.post(&sid, bad).await.0, 400, "{bad:?}");
        assert_eq!(echo.get(&sid).await.0, 400, "{bad:?}");
    }
    for bad in ["abc", "", "7", "2", "5"] {
        let mut socket = echo.websocket().await;
        socket.say(bad).await;
        socket.ends().await;
    }
    let sid = echo.polled().await;
    let long = "4".repeat(1_000_001);
    assert_eq!(echo.post(&sid, &long).await.0, 413);
    assert_eq!(echo.get(&sid).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_at_once_end_the_session() {
    let echo = Echo::start(Protocol::EngineIo).await;
    let sid = echo.polled().await;
    let (first, second) = tokio::join!(echo.get(&sid), echo.get(&sid));
    let mut told = [first, second];
    told.sort();
    assert_eq!(told[0], (200, "1".to_owned()));
    assert_eq!(told[1].0, 400);
    assert_eq!(echo.get(&sid).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_posts_at_once_end_the_session() {
    let echo = Echo::start(Protocol::EngineIo).await;
    let sid = echo.polled().await;
    // The first has begun, and its end is still to come.
    let mut first = RawSocket::connect_to(&echo.base).await;
    first.send(&post_begun(echo.path, &sid, "4on")).await;
    let deadline = Instant::now() + PATIENCE;
    // Until the server has read of the first, there is only the second; which is a pong, so that time does not end it.
    while echo.post(&sid, "3").await.0 == 200 {
        assert!(Instant::now() < deadline, "two posts at once");
    }
    first.send(b"e").await;
    assert!(first.answer().await.starts_with("HTTP/1.1 400 "));
    assert_eq!(echo.get(&sid).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_breaks_off_ends_the_session() {
    let echo = Echo::start(Protocol::EngineIo).await;
    let sid = echo.polled().await;
    let target = format!("{}?{}", echo.path, polling(&sid));
    let poll = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
    let deadline = Instant::now() + PATIENCE;
    // Until the server waits, it only sees a request that was not meant. The pongs keep time from ending the session.
    while echo.post(&sid, "3").await.0 == 200 {
        assert!(Instant::now() < deadline, "nobody polls any more");
        let mut left = RawSocket::connect_to(&echo.base).await;
        left.send(poll.as_bytes()).await;
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(echo.get(&sid).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_are_answered_or_the_session_ends() {
    let echo = Echo::start(Protocol::EngineIo).await;
    let answering = async {
        let sid = echo.polled().await;
        for _ in 0..3 {
            assert_eq!(echo.get(&sid).await, (200, "2".to_owned()));
            assert_eq!(echo.post(&sid, "3").await.0, 200);
        }
        let mut socket = echo.websocket().await;
        for _ in 0..3 {
            let ping = socket.0.frame().await.unwrap();
            assert_eq!(ping.payload, b"2");
            socket.say("3").await;
        }
    };
    let silent = async {
        let begun = Instant::now();
        let (polled, posting) = (echo.polled().await, echo.polled().await);
        let socket = echo.websocket().await;
        // The rule itself: not before that, and then at once.
        sleep_until(Instant::now() + Duration::from_millis(510)).await;
        assert_eq!(echo.get(&polled).await.0, 400);
        assert_eq!(echo.post(&posting, "4hello").await.0, 400);
        socket.ends().await;
        assert!(begun.elapsed() >= Duration::from_millis(500));
    };
    tokio::join!(answering, silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_goodbye_is_let_go() {
    let echo = Echo::start(Protocol::EngineIo).await;
    let sid = echo.polled().await;
    // What a poll that waits is told is said in the tests of `polling`.
    let posted = echo.post(&sid, "1").await;
    assert_eq!(posted.0, 200);
    assert_eq!(echo.get(&sid).await.0, 400);
    assert_eq!(echo.post(&sid, "4hello").await.0, 400);

    let mut socket = echo.websocket().await;
    socket.say("1").await;
    socket.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_may_ask() {
    let echo = Echo::start(Protocol::EngineIo).await;
    let origin = "https://elsewhere.example";
    for method in [Method::OPTIONS, Method::GET] {
        let target = format!("{}{}?EIO=4&transport=polling", echo.base, echo.path);
        let request = Request::builder().method(method).uri(target);
        let request = request.header("origin", origin);
        let answer = echo.http.send_raw(request.body(Full::default()).unwrap());
        let headers = answer.await.unwrap().headers;
        assert_eq!(headers["access-control-allow-origin"], origin);
        assert_eq!(headers["access-control-allow-credentials"], "true");
    }
}
