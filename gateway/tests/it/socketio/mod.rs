//! Socket.IO by its packets: the same session, the same history, in other words.

mod connections;
mod foreign;
mod polled;

use http_body_util::Full;
use hyper::{Method, Request};
use serde_json::{Value, json};
use shared::testing::HttpClient;

use crate::{
    harness::{Gateway, ORIGIN, until},
    protocol::{GO_ON, post_announced, post_begun},
    raw_socket::{RawSocket, masked},
};

const TEXT: u8 = 0x81;

struct Client(RawSocket);

impl Client {
    /// Opens the engine, and asks for the namespace with this payload.
    async fn connect(gateway: &Gateway, auth: &Value) -> Self {
        let mut client = Self::open(gateway, "").await;
        client.say(&format!("40{auth}")).await;
        client
    }

    /// Opens the engine by a request with these headers.
    async fn open(gateway: &Gateway, headers: &str) -> Self {
        let mut socket = RawSocket::connect(gateway).await;
        socket
            .upgrade_at("/socket.io/?EIO=4&transport=websocket", headers)
            .await;
        let mut client = Self(socket);
        let open = client.packet().await.unwrap();
        let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
        assert_eq!(open["upgrades"], json!([]));
        assert!(open["pingInterval"].as_u64().unwrap() > 0);
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

    fn sid(&self) -> &str {
        self.target.split_once("&sid=").unwrap().1
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
