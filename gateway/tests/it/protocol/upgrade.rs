//! From polling to a WebSocket.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_by_a_websocket() {
    let echo = Echo::start(Protocol::EngineIo).await;
    let sid = echo.polled().await;
    let mut socket = echo.upgrades(&sid).await;
    socket.say("2probe").await;
    assert_eq!(socket.text().await, "3probe");
    // Said before the change, and fetched after it.
    assert_eq!(echo.post(&sid, "4before").await.0, 200);
    socket.say("5").await;
    socket.say("4hello").await;
    assert_eq!(socket.text().await, "4before");
    assert_eq!(socket.text().await, "4hello");
    socket.attach(&[1, 2]).await;
    assert_eq!(socket.binary().await, [1, 2]);

    // Who comes late is refused, and disturbs nothing.
    assert_eq!(echo.get(&sid).await.0, 400);
    assert_eq!(echo.post(&sid, "4late").await.0, 400);
    echo.upgrades(&sid).await.ends().await;
    socket.say("4still").await;
    assert_eq!(socket.text().await, "4still");
    socket.say("1").await;
    socket.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_at_once_is_in_order_too() {
    let echo = Echo::start(Protocol::EngineIo).await;
    let sid = echo.polled().await;
    let mut socket = echo.upgrades(&sid).await;
    let said = ["2probe", "5", "4one", "4two"].map(|text| masked(TEXT, text.as_bytes()));
    socket.0.send(&said.concat()).await;
    for told in ["3probe", "4one", "4two"] {
        assert_eq!(socket.text().await, told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_waits_is_let_go() {
    let echo = Echo::start(Protocol::EngineIo).await;
    let sid = echo.polled().await;
    let mut socket = echo.upgrades(&sid).await;
    let (waiting, ()) = tokio::join!(echo.get(&sid), async {
        socket.say("2probe").await;
        assert_eq!(socket.text().await, "3probe");
    });
    assert_eq!(waiting, (200, "6".to_owned()));
    assert_eq!(echo.get(&sid).await, (200, "6".to_owned()));
    socket.say("5").await;
    socket.say("4hello").await;
    assert_eq!(socket.text().await, "4hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_fails_leaves_the_polling_alive() {
    let echo = Echo::start(Protocol::EngineIo).await;
    let sid = echo.polled().await;
    for said in [&["4hello"][..], &["2probe", "4hello"], &["2other"], &["5"]] {
        let mut socket = echo.upgrades(&sid).await;
        for text in said {
            socket.say(text).await;
        }
        socket.ends().await;
    }
    // Left without a word, after the probe.
    let mut socket = echo.upgrades(&sid).await;
    socket.say("2probe").await;
    assert_eq!(socket.text().await, "3probe");
    // Only one at a time.
    echo.upgrades(&sid).await.ends().await;
    drop(socket);

    let (told, _) = tokio::join!(polled_until(&echo, &sid, "4alive"), async {
        echo.post(&sid, "4alive").await
    });
    assert!(told.ends_with("4alive"), "{told}");
}

/// Polls until this is told; pings and what keeps no poll are passed over.
async fn polled_until(echo: &Echo, sid: &str, expected: &str) -> String {
    loop {
        let (status, told) = echo.get(sid).await;
        assert_eq!(status, 200);
        if told.contains(expected) {
            return told;
        }
        assert!(["2", "6"].contains(&&*told), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_websocket_for_a_session_that_nobody_has() {
    let echo = Echo::start(Protocol::EngineIo).await;
    let mut socket = RawSocket::connect_to(&echo.base).await;
    let request = "GET /engine.io/?EIO=4&transport=websocket&sid=unknown HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.send(request.as_bytes()).await;
    assert!(socket.answer().await.starts_with("HTTP/1.1 400 "));
}
