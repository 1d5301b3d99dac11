//! Socket.IO: namespaces, events, acknowledgements, attachments.

use super::*;

/// In the main namespace.
async fn connected(echo: &Echo) -> Socket {
    let mut socket = echo.websocket().await;
    socket.say("40").await;
    assert!(socket.text().await.starts_with("40{"));
    assert_eq!(socket.text().await, r#"42["auth",{}]"#);
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_is_asked_for() {
    let echo = Echo::start(Protocol::SocketIo).await;
    for (asked, prefix, auth) in [
        ("40", "40", r#"42["auth",{}]"#),
        (
            r#"40{"token":"123"}"#,
            "40",
            r#"42["auth",{"token":"123"}]"#,
        ),
        ("40/custom,", "40/custom,", r#"42/custom,["auth",{}]"#),
        ("40/custom", "40/custom,", r#"42/custom,["auth",{}]"#),
        (
            r#"40/custom,{"token":"abc"}"#,
            "40/custom,",
            r#"42/custom,["auth",{"token":"abc"}]"#,
        ),
    ] {
        let mut socket = echo.websocket().await;
        socket.say(asked).await;
        let answer = socket.text().await;
        let data = answer.strip_prefix(prefix).unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert!(data["sid"].is_string(), "{data}");
        assert_eq!(data.as_object().unwrap().len(), 1);
        assert_eq!(socket.text().await, auth);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_none_is_refused() {
    let echo = Echo::start(Protocol::SocketIo).await;
    let mut socket = connected(&echo).await;
    for asked in ["40/random", "40/random,", r#"40/random,{"token":"1"}"#] {
        socket.say(asked).await;
        let refused = r#"44/random,{"message":"Invalid namespace"}"#;
        assert_eq!(socket.text().await, refused);
    }
    socket.say(r#"42["message","on"]"#).await;
    assert_eq!(socket.text().await, r#"42["message-back","on"]"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_none_is_let_go() {
    let echo = Echo::start(Protocol::SocketIo).await;
    let mut socket = echo.websocket().await;
    let mut refused = echo.websocket().await;
    refused.say("40/random").await;
    assert!(refused.text().await.starts_with("44/random,"));
    // Pings are answered until the end comes.
    for socket in [&mut socket, &mut refused] {
        let (opcode, _) = socket.hear().await;
        assert_eq!(opcode, 8);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_are_left_one_by_one() {
    let echo = Echo::start(Protocol::SocketIo).await;
    let mut socket = connected(&echo).await;
    socket.say("40/custom,").await;
    assert!(socket.text().await.starts_with("40/custom,{"));
    assert_eq!(socket.text().await, r#"42/custom,["auth",{}]"#);
    socket.say("41/custom,").await;
    socket.say(r#"42["message","in the main one"]"#).await;
    assert_eq!(
        socket.text().await,
        r#"42["message-back","in the main one"]"#
    );
    socket.say("41").await;
    socket.say("40").await;
    assert!(socket.text().await.starts_with("40{"), "the engine goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_acknowledgements_come_back() {
    let echo = Echo::start(Protocol::SocketIo).await;
    let mut socket = connected(&echo).await;
    for (said, told) in [
        (
            r#"42["message",1,"2",{"3":[true]}]"#,
            r#"42["message-back",1,"2",{"3":[true]}]"#,
        ),
        (r#"42["message"]"#, r#"42["message-back"]"#),
        (
            r#"42456["message-with-ack",1,"2",{"3":[false]}]"#,
            r#"43456[1,"2",{"3":[false]}]"#,
        ),
        (r#"420["message-with-ack"]"#, "430[]"),
    ] {
        socket.say(said).await;
        assert_eq!(socket.text().await, told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_follow_both_ways() {
    const PLACES: &str = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;
    let echo = Echo::start(Protocol::SocketIo).await;
    let mut socket = connected(&echo).await;
    for (said, told) in [
        (
            format!(r#"452-["message",{PLACES}]"#),
            format!(r#"452-["message-back",{PLACES}]"#),
        ),
        (
            format!(r#"452-789["message-with-ack",{PLACES}]"#),
            format!("462-789[{PLACES}]"),
        ),
    ] {
        socket.say(&said).await;
        socket.attach(&[1, 2, 3]).await;
        socket.attach(&[4, 5, 6]).await;
        assert_eq!(socket.text().await, told);
        assert_eq!(socket.binary().await, [1, 2, 3]);
        assert_eq!(socket.binary().await, [4, 5, 6]);
    }
    // Polled, they are texts.
    let sid = echo.polled().await;
    echo.post(&sid, "40").await;
    let said = format!("452-[\"message\",{PLACES}]\u{1e}bAQID\u{1e}bBAUG");
    assert_eq!(echo.post(&sid, &said).await.0, 200);
    let mut told = String::new();
    while !told.ends_with("bBAUG") {
        told = format!("{told}\u{1e}{}", echo.get(&sid).await.1);
    }
    let expected = format!("452-[\"message-back\",{PLACES}]\u{1e}bAQID\u{1e}bBAUG");
    assert!(told.ends_with(&expected), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_packet_ends_the_connection() {
    let echo = Echo::start(Protocol::SocketIo).await;
    for bad in [
        "4abc",
        "4",
        "42{}",
        "42",
        r#"42abc["message-with-ack",1]"#,
        r#"42["connect"]"#,
        "42[1]",
        "42[]",
        "43[]",
        "40abc",
        "40[]",
        "40",
        "45[\"message\"]",
        "4517-[\"message\"]",
        "4599999999999999999999-[\"message\"]",
        r#"42/custom,["message"]"#,
        "41x",
    ] {
        let mut socket = connected(&echo).await;
        socket.say(bad).await;
        socket.ends().await;
    }
    let mut socket = connected(&echo).await;
    socket.attach(b"that belongs to nothing").await;
    socket.ends().await;
    let mut socket = connected(&echo).await;
    socket
        .say(r#"451-["message",{"_placeholder":true,"num":0}]"#)
        .await;
    socket.say(r#"42["message"]"#).await;
    socket.ends().await;
    let mut early = echo.websocket().await;
    early.say(r#"42["message"]"#).await;
    early.ends().await;
}
