//! Frames that nobody should send: each gets its close code, and nobody else notices.

use fastwebsockets::OpCode;
use serde_json::json;

use crate::{
    harness::{Gateway, until},
    raw_socket::{RawFrame, RawSocket, masked},
};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

#[tokio::test(flavor = "multi_thread")]
async fn each_breach_has_its_close_code() {
    let gateway = Gateway::start().await;
    let (mut neighbour, _) = gateway.listen(2).await;
    let unfinished = |opcode: u8| opcode & 0x0f;
    for (what, bytes, code) in [
        ("unmasked", vec![TEXT, 2, b'{', b'}'], 1002),
        ("a reserved bit", masked(TEXT | 0x40, b"{}"), 1002),
        ("a reserved opcode", masked(0x83, b"{}"), 1002),
        ("a long ping", masked(PING, &[0; 126]), 1002),
        ("a fragmented ping", masked(unfinished(PING), b""), 1002),
        ("a continuation of nothing", masked(0x80, b"{}"), 1002),
        (
            "a text within a text",
            [masked(unfinished(TEXT), b"{"), masked(TEXT, b"}")].concat(),
            1002,
        ),
        ("a close with one byte", masked(CLOSE, &[3]), 1002),
        (
            "a close that may not be sent",
            masked(CLOSE, &1006_u16.to_be_bytes()),
            1002,
        ),
        ("binary", masked(BINARY, b"{}"), 1003),
        ("bad UTF-8", masked(TEXT, b"\"\xff\""), 1007),
        ("too large", masked(TEXT, &vec![b' '; 65_537]), 1009),
        (
            "claims to be huge",
            [&[TEXT, 0xff][..], &[0x7f; 8], &[0; 4]].concat(),
            1009,
        ),
        (
            "too large in pieces",
            [
                masked(unfinished(TEXT), &vec![b' '; 40_000]),
                masked(0x80, &vec![b' '; 40_000]),
            ]
            .concat(),
            1009,
        ),
    ] {
        let mut socket = RawSocket::open(&gateway, &gateway.token(1)).await;
        socket.send(&bytes).await;
        assert_eq!(socket.close_code().await, Some(code), "{what}");
    }
    let pong = neighbour.commands(json!({"type": "ping"})).await;
    assert_eq!(pong["type"], "pong");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_is_answered_with_its_code() {
    let gateway = Gateway::start().await;
    for (payload, code) in [
        (4999_u16.to_be_bytes().to_vec(), Some(4999)),
        ([&1000_u16.to_be_bytes()[..], b"bye"].concat(), Some(1000)),
        (Vec::new(), None),
    ] {
        let mut socket = RawSocket::open(&gateway, &gateway.token(1)).await;
        socket.send(&masked(CLOSE, &payload)).await;
        assert_eq!(socket.close_code().await, code);
    }
    let open = r#"hubbub_gateway_connections{transport="websocket"}"#;
    until(|| gateway.metric(open) == 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_with_a_ping_between_them_are_one_command() {
    let gateway = Gateway::start().await;
    let mut socket = RawSocket::open(&gateway, &gateway.token(1)).await;
    assert_eq!(socket.frame().await.unwrap().opcode, 1, "welcome");
    let pieces = [
        masked(0x01, br#"{"type":"#),
        masked(PING, b"are you there"),
        masked(0x00, br#""ping","#),
        masked(0x80, br#""ref":7}"#),
    ];
    // Byte by byte, as the worst of networks would bring it.
    for byte in pieces.concat() {
        socket.send(&[byte]).await;
    }
    let pong = RawFrame {
        opcode: PONG & 0x0f,
        compressed: false,
        payload: b"are you there".to_vec(),
    };
    assert_eq!(socket.frame().await, Some(pong));
    let answer = socket.frame().await.unwrap();
    assert_eq!(answer.payload, br#"{"type":"pong","ref":7}"#);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_frames_are_answered_until_there_are_too_many() {
    let gateway = Gateway::start().await;
    let (mut socket, _) = gateway.listen(1).await;
    for (frame, code) in [
        ("{", "invalid_json"),
        ("[]", "invalid_request"),
        (r#"{"type":7}"#, "invalid_request"),
        (r#"{"type":"ping","ref":{}}"#, "invalid_request"),
    ] {
        socket.0.send_raw(OpCode::Text, frame.into()).await.unwrap();
        let error = socket.hears("error").await;
        assert_eq!(
            (&error["code"], error.get("ref")),
            (&json!(code), None),
            "{frame}"
        );
    }
    // One that can be read makes up for those before.
    assert_eq!(
        socket.commands(json!({"type": "ping"})).await["type"],
        "pong"
    );
    for _ in 0..6 {
        socket
            .0
            .send_raw(OpCode::Text, b"{".to_vec())
            .await
            .unwrap();
    }
    for _ in 0..6 {
        assert_eq!(socket.hears("error").await["code"], "invalid_json");
    }
    let (code, reason) = socket.is_closed().await;
    assert_eq!(
        (code, reason.as_str()),
        (4006, r#"{"code":"too_many_malformed_frames"}"#)
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_as_large_as_allowed_is_taken() {
    let gateway = Gateway::start().await;
    let (mut socket, _) = gateway.listen(1).await;
    let mut command = json!({"type": "echo", "ref": 1, "filler": ""});
    let room = 65_536 - command.to_string().len();
    command["filler"] = "x".repeat(room).into();
    socket.send(command).await;
    assert_eq!(socket.frame().await["type"], "ack");
    gateway.stop().await;
}
