//! Socket.IO by its packets: the same session, the same history, in other words.

use http_body_util::Full;
use hyper::{Method, Request};
use serde_json::{Value, json};
use shared::testing::HttpClient;

use crate::{
    harness::{Gateway, ORIGIN, until},
    raw_socket::{RawSocket, masked},
};

const TEXT: u8 = 0x81;

struct Client(RawSocket);

impl Client {
    /// Opens the engine, and asks for the namespace with this payload.
    async fn connect(gateway: &Gateway, auth: &Value) -> Self {
        let mut socket = RawSocket::connect(gateway).await;
        socket
            .upgrade_at("/socket.io/?EIO=4&transport=websocket", "")
            .await;
        let mut client = Self(socket);
        let open = client.packet().await.unwrap();
        let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
        assert_eq!(open["upgrades"], json!([]));
        assert!(open["pingInterval"].as_u64().unwrap() > 0);
        client.say(&format!("40{auth}")).await;
        client
    }

    /// The answer to the connection's packet.
    async fn is_in(gateway: &Gateway, auth: &Value) -> (Self, Value) {
        let mut client = Self::connect(gateway, auth).await;
        let connected = client.packet().await.unwrap();
        let data = connected
            .strip_prefix("40")
            .unwrap_or_else(|| panic!("{connected}"));
        (client, serde_json::from_str(data).unwrap())
    }

    async fn say(&mut self, packet: &str) {
        self.0.send(&masked(TEXT, packet.as_bytes())).await;
    }

    /// The next text; `None` at the close.
    async fn packet(&mut self) -> Option<String> {
        let frame = self.0.frame().await?;
        (frame.opcode == 1).then(|| String::from_utf8(frame.payload).unwrap())
    }

    async fn event(&mut self) -> Value {
        let packet = self.packet().await.expect("an event");
        let event = packet
            .strip_prefix("42")
            .unwrap_or_else(|| panic!("{packet}"));
        serde_json::from_str(event).unwrap()
    }

    /// The offsets of the next durable events, and what the last of them brought for a later connection.
    async fn hears(&mut self, count: usize) -> String {
        let mut last = None;
        for _ in 0..count {
            let event = self.event().await;
            last = event[2].as_str().map(str::to_owned);
        }
        last.expect("an offset")
    }
}

fn with_token(gateway: &Gateway, number: i64) -> Value {
    json!({ "token": gateway.token(number) })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_connects_asks_and_is_answered() {
    let gateway = Gateway::start().await;
    let (mut client, connected) = Client::is_in(&gateway, &with_token(&gateway, 1)).await;
    assert!(connected["sid"].is_string() && connected["pid"].is_string());

    client.say(r#"420["join","1"]"#).await;
    assert_eq!(client.packet().await.unwrap(), r#"430[{"userId":"1"}]"#);
    client.say(r#"421["join","2"]"#).await;
    assert!(client.packet().await.unwrap().contains("forbidden"));
    client.say(r#"422["ping"]"#).await;
    assert_eq!(client.packet().await.unwrap(), "432[{}]");
    client.say("40/admin,").await;
    let refused = r#"44/admin,{"message":"Invalid namespace"}"#;
    assert_eq!(client.packet().await.unwrap(), refused);
    // An event with an attachment is refused, and the attachment belongs to it.
    client
        .say(r#"451-3["typing",{"_placeholder":true,"num":0}]"#)
        .await;
    client.0.send(&masked(0x82, b"binary")).await;
    assert!(client.packet().await.unwrap().contains("validation_failed"));

    gateway.publish(1, 1).await;
    let event = client.event().await;
    assert!(event[1]["eventId"].is_string() && event[2].is_string());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_recovered_on_another_node_while_the_first_has_not_noticed() {
    let gateway = Gateway::start().await;
    let neighbour = gateway.neighbour(&[]).await;
    let token = gateway.token(1);
    let (mut first, connected) = Client::is_in(&gateway, &json!({ "token": token })).await;
    let pid = connected["pid"].clone();
    gateway.publish(1, 3).await;
    let offset = first.hears(2).await;

    let again = json!({ "token": token, "pid": pid, "offset": offset });
    gateway.publish(1, 2).await;
    let (mut second, connected) = Client::is_in(&neighbour, &again).await;
    assert_eq!(connected["pid"], pid, "recovered");
    let last = second.hears(3).await;
    gateway.publish(1, 1).await;
    assert_ne!(second.hears(1).await, last);

    // Without an event in between, where it began is where it stands.
    let (_, connected) = Client::is_in(&gateway, &json!({ "token": token })).await;
    let pid = connected["pid"].clone();
    gateway.publish(1, 2).await;
    for shown in [
        json!({ "pid": pid }),
        json!({ "pid": pid, "offset": offset }),
    ] {
        let (mut third, connected) = Client::is_in(&neighbour, &shown).await;
        assert_eq!(connected["pid"], pid, "recovered without a token");
        third.hears(2).await;
    }
    // What cannot be recovered has a new name.
    let (_, connected) = Client::is_in(
        &gateway,
        &json!({ "token": token, "pid": "nonsense", "offset": 5.to_string() }),
    )
    .await;
    assert_ne!(connected["pid"], "nonsense");
    drop(first);
    neighbour.stop().await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_not_come_in_is_told_by_the_namespace() {
    let gateway = Gateway::start().await;
    for auth in [json!({}), json!({"token": "nonsense"})] {
        let mut client = Client::connect(&gateway, &auth).await;
        let refused = client.packet().await.unwrap();
        let data = refused.strip_prefix("44").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["data"]["code"], "unauthenticated");
        assert!(client.0.close_code().await.is_some());
    }
    let mut client = Client::connect(&gateway, &json!({"token": 5})).await;
    assert!(client.packet().await.unwrap().contains("invalid_request"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_packets_end_their_own_connection_only() {
    let gateway = Gateway::start().await;
    let auth = with_token(&gateway, 1);
    let (mut other, _) = Client::is_in(&gateway, &with_token(&gateway, 2)).await;
    for bad in [
        "4abc",
        "42{}",
        r#"42abc["m"]"#,
        "abc",
        "",
        "2",
        "5",
        "40",
        r#"42["connect"]"#,
    ] {
        let (mut client, _) = Client::is_in(&gateway, &auth).await;
        client.say(bad).await;
        assert_eq!(client.0.close_code().await, Some(1002), "{bad}");
    }
    let (mut client, _) = Client::is_in(&gateway, &auth).await;
    client.0.send(&masked(0x82, b"no attachment")).await;
    assert_eq!(client.0.close_code().await, Some(1002));
    let (mut client, _) = Client::is_in(&gateway, &auth).await;
    client.say("1").await;
    assert_eq!(client.0.close_code().await, Some(1000));
    other.say(r#"429["ping"]"#).await;
    assert_eq!(other.packet().await.unwrap(), "439[{}]");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_session_leaves_the_namespace_and_a_drain_only_the_engine() {
    let gateway = Gateway::start().await;
    let (mut revoked, _) = Client::is_in(&gateway, &with_token(&gateway, 1)).await;
    let (mut drained, _) = Client::is_in(&gateway, &with_token(&gateway, 2)).await;
    gateway.revoke(1, 1).await;
    let mut said = Vec::new();
    while let Some(packet) = revoked.packet().await {
        said.push(packet);
    }
    assert_eq!(said.last().unwrap(), "41");
    until(|| gateway.metric(r#"hubbub_gateway_connections{transport="socketio"}"#) == 1).await;
    gateway.lifecycle.drain();
    while let Some(packet) = drained.packet().await {
        assert!(!packet.starts_with("41"), "{packet}");
    }
    gateway.ends().await;
}

/// A session that is polled.
struct Polled {
    http: HttpClient,
    target: String,
}

impl Polled {
    async fn open(gateway: &Gateway) -> Self {
        let mut polled = Self {
            http: HttpClient::new(&gateway.base),
            target: format!("{}/socket.io/?EIO=4&transport=polling", gateway.base),
        };
        let (status, open) = polled.get().await;
        assert_eq!(status, 200, "{open}");
        let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
        polled.target = format!("{}&sid={}", polled.target, open["sid"].as_str().unwrap());
        polled
    }

    async fn send(&self, method: Method, body: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri(&self.target);
        let request = request.header("origin", ORIGIN);
        let request = request.body(Full::from(body.to_owned())).unwrap();
        let answer = self.http.send_raw(request).await.unwrap();
        let allowed = &answer.headers["access-control-allow-origin"];
        assert_eq!(allowed, ORIGIN);
        let body = String::from_utf8(answer.body.to_vec()).unwrap();
        (answer.status.as_u16(), body)
    }

    async fn get(&self) -> (u16, String) {
        self.send(Method::GET, "").await
    }

    async fn post(&self, body: &str) -> (u16, String) {
        self.send(Method::POST, body).await
    }

    async fn is_in(gateway: &Gateway, auth: &Value) -> Self {
        let polled = Self::open(gateway).await;
        assert_eq!(
            polled.post(&format!("40{auth}")).await,
            (200, "ok".to_owned())
        );
        let (_, connected) = polled.get().await;
        assert!(connected.starts_with("40{"), "{connected}");
        polled
    }
}

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
async fn who_must_not_come_in_is_told_by_a_poll_too() {
    let gateway = Gateway::start().await;
    let polled = Polled::open(&gateway).await;
    polled.post(r#"40{"token":"nonsense"}"#).await;
    assert!(polled.get().await.1.starts_with("44{"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_no_handshake_hears_why() {
    let gateway = Gateway::start().await;
    for (query, code) in [
        ("transport=websocket", 5),
        ("EIO=3&transport=websocket", 5),
        ("EIO=4", 0),
        ("EIO=4&transport=abc", 0),
        ("EIO=4&transport=websocket&sid=unknown", 1),
        ("EIO=4&transport=websocket", 3),
    ] {
        let http = HttpClient::new(&gateway.base);
        let request = Request::get(format!("{}/socket.io/?{query}", gateway.base))
            .body(Full::default())
            .unwrap();
        let answer = http.send_raw(request).await.unwrap();
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.json["code"], code, "{query}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_by_a_websocket_and_misses_nothing() {
    let gateway = Gateway::start().await;
    let polled = Polled::is_in(&gateway, &with_token(&gateway, 1)).await;
    let sid = polled.target.split_once("&sid=").unwrap().1.to_owned();
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
