//! `hubbub.v1.nd`: several objects a message, in both directions.

use fastwebsockets::OpCode;
use serde_json::{Value, json};
use shared::testing::{Credentials, WireClient};

use crate::{
    harness::{Gateway, Socket, channel, until, welcomed},
    raw_socket::RawSocket,
};

const FRAMES_OUT: &str = r#"hubbub_gateway_frames_total{direction="out",transport="websocket"}"#;
const DELIVERIES: &str = r#"hubbub_deliveries_total{transport="websocket"}"#;

async fn listen(gateway: &Gateway, resume: Option<Value>) -> (Socket, Value) {
    let mut connect = gateway.connect(Credentials::Bearer(gateway.token(1)));
    connect.protocols = Some("hubbub.v1.nd, hubbub.v1".to_owned());
    connect.resume = resume;
    welcomed(&connect).await.unwrap()
}

async fn say(socket: &Socket, text: &str) {
    socket.0.send_raw(OpCode::Text, text.into()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_comes_in_few_messages() {
    let gateway = Gateway::start().await;
    let epoch = gateway.log.head(channel(1)).epoch;
    gateway.publish(1, 400).await;
    let since = json!({"user:1": {"epoch": epoch, "offset": 0}});
    let (mut socket, _) = listen(&gateway, Some(since)).await;
    gateway.publish(1, 1).await;
    let expected: Vec<u64> = (1..=401).collect();
    assert_eq!(socket.offsets(401).await, expected);
    let messages = socket.0.messages();
    assert!(messages <= 401 / 32 + 8, "{messages} messages");
    // What is counted is messages, and events as ever.
    until(|| gateway.metric(DELIVERIES) == 401).await;
    assert_eq!(gateway.metric(FRAMES_OUT), messages);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_is_a_command_of_its_own() {
    let gateway = Gateway::start().await;
    let (mut socket, _) = listen(&gateway, None).await;
    let ping = |reference: u32| format!(r#"{{"type":"ping","ref":{reference}}}"#);
    let several = [
        ping(1),
        "{".to_owned(),
        String::new(),
        ping(2),
        "  \r".to_owned(),
        ping(3),
    ];
    say(&socket, &format!("{}\n", several.join("\r\n"))).await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        let answer = socket.frame().await;
        let about = answer.get("ref").or(answer.get("code"));
        answers.push(about.cloned().unwrap());
    }
    assert_eq!(
        answers,
        [json!(1), json!("invalid_json"), json!(2), json!(3)]
    );

    // A message without any is one that cannot be read, and six lines that cannot be are as many frames.
    say(&socket, "\n \n").await;
    assert_eq!(socket.hears("error").await["code"], "invalid_json");
    say(&socket, &"{\n".repeat(6)).await;
    assert_eq!(socket.is_closed().await.0, 4006);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_limited_as_frames_are() {
    let gateway = Gateway::start_with(&[("RATE_LIMITS", "on"), ("COMMANDS_PER_SECOND", "1")]).await;
    let (mut socket, _) = listen(&gateway, None).await;
    let many = "{\"type\":\"ping\"}\n".repeat(1000);
    say(&socket, &many).await;
    assert_eq!(socket.hears("error").await["code"], "rate_limited");
    assert_eq!(socket.is_closed().await.0, 4203);

    let (mut socket, _) = listen(&gateway, None).await;
    say(&socket, &" \n".repeat(33_000)).await;
    assert_eq!(socket.is_closed().await.0, 1009, "a message has its limit");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_frame_stands_alone() {
    let gateway = Gateway::start().await;
    let mut connect = gateway.connect(Credentials::None);
    connect.protocols = Some("hubbub.v1.nd".to_owned());
    let auth = json!({"type": "auth", "token": gateway.token(1)});
    let mut socket = Socket(WireClient::connect(&connect).await.unwrap());
    say(&socket, &format!("{auth}\n")).await;
    say(
        &socket,
        "{\"type\":\"ping\",\"ref\":1}\n{\"type\":\"ping\",\"ref\":2}",
    )
    .await;
    assert_eq!(socket.frame().await["type"], "welcome");
    for reference in [1, 2] {
        assert_eq!(socket.frame().await["ref"], reference);
    }
    let mut hasty = Socket(WireClient::connect(&connect).await.unwrap());
    say(&hasty, &format!("{auth}\n{{\"type\":\"ping\"}}")).await;
    assert_eq!(hasty.hears("error").await["code"], "unauthenticated");
    assert_eq!(hasty.is_closed().await.0, 4001);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_events_are_put_together_too() {
    let gateway = Gateway::start().await;
    let epoch = gateway.log.head(channel(1)).epoch;
    let mut sizes = Vec::new();
    for number in 0..40 {
        let filler = if number % 3 == 0 { 300 } else { 0 };
        let mut event = gateway.log.commit(channel(1));
        let content = "and so on, ".repeat(filler);
        event.body = format!(r#"{{"timestamp":0,"data":{{"content":"{content}"}}}}"#).into();
        gateway.bus.append(&[event]).await.unwrap();
        sizes.push(content.len());
    }
    let since = json!({"user:1": {"epoch": epoch, "offset": 0}});
    let resume = base64(&since);
    let mut socket = RawSocket::connect(&gateway).await;
    let headers = format!(
        "Authorization: Bearer {}\r\nSec-WebSocket-Protocol: hubbub.v1.nd\r\n\
         Sec-WebSocket-Extensions: permessage-deflate\r\n",
        gateway.token(1)
    );
    let head = socket
        .upgrade_at(&format!("/ws?resume={resume}"), &headers)
        .await;
    assert!(
        head.contains("sec-websocket-protocol: hubbub.v1.nd\r\n"),
        "{head}"
    );
    let (mut heard, mut messages) = (Vec::new(), 0);
    while heard.len() < sizes.len() {
        let message = socket.frame().await.unwrap();
        messages += 1;
        for line in crate::compression::text(&message).lines() {
            let object: Value = serde_json::from_str(line).unwrap();
            let content = object["data"]["content"].as_str();
            heard.extend(content.map(str::len));
        }
    }
    assert_eq!(heard, sizes);
    assert!(messages <= 4, "{messages} messages");
    gateway.stop().await;
}

fn base64(json: &Value) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    BASE64_URL_SAFE_NO_PAD.encode(json.to_string())
}
