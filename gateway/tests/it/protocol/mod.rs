//! The rules of Engine.IO 4 and Socket.IO 5, against the server of `examples/protocol_echo.rs`, which is made of the gateway's
//! own transports and packets.

mod engine;
mod sockets;
mod upgrade;

use std::net::Ipv4Addr;

use gateway::echo::{Protocol, serve_engine};
use http_body_util::Full;
use hyper::{Method, Request};
use serde_json::Value;
use shared::testing::HttpClient;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::raw_socket::{RawSocket, masked};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;

/// A server, and the address of its sessions.
struct Echo {
    http: HttpClient,
    base: String,
    path: &'static str,
    serving: JoinHandle<()>,
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Echo {
    async fn start(protocol: Protocol) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let path = match protocol {
            Protocol::EngineIo => "/engine.io/",
            Protocol::SocketIo => "/socket.io/",
        };
        let serving = tokio::spawn(async move {
            serve_engine(listener, protocol).await.unwrap();
        });
        let http = HttpClient::new(&base);
        Self {
            http,
            base,
            path,
            serving,
        }
    }

    async fn ask(&self, method: Method, query: &str, body: &str) -> (u16, String) {
        let target = format!("{}{}?{query}", self.base, self.path);
        let request = Request::builder().method(method).uri(target);
        let request = request.body(Full::from(body.to_owned())).unwrap();
        let answer = self.http.send_raw(request).await.unwrap();
        let body = String::from_utf8(answer.body.to_vec()).unwrap();
        (answer.status.as_u16(), body)
    }

    async fn get(&self, sid: &str) -> (u16, String) {
        self.ask(Method::GET, &polling(sid), "").await
    }

    async fn post(&self, sid: &str, body: &str) -> (u16, String) {
        self.ask(Method::POST, &polling(sid), body).await
    }

    /// Begins a session that is polled; returns its name.
    async fn polled(&self) -> String {
        let (status, open) = self.ask(Method::GET, "EIO=4&transport=polling", "").await;
        assert_eq!(status, 200);
        opened(&open)["sid"].as_str().unwrap().to_owned()
    }

    async fn websocket_at(&self, query: &str) -> Socket {
        let mut socket = RawSocket::connect_to(&self.base).await;
        let target = format!("{}?EIO=4&transport=websocket{query}", self.path);
        socket.upgrade_at(&target, "").await;
        Socket(socket)
    }

    /// A session on a WebSocket.
    async fn websocket(&self) -> Socket {
        let mut socket = self.websocket_at("").await;
        opened(&socket.text().await);
        socket
    }

    /// A WebSocket for a session that is polled.
    async fn upgrades(&self, sid: &str) -> Socket {
        self.websocket_at(&format!("&sid={sid}")).await
    }
}

fn polling(sid: &str) -> String {
    format!("EIO=4&transport=polling&sid={sid}")
}

/// A post whose body lacks its last byte.
pub(crate) fn post_begun(path: &str, sid: &str, body: &str) -> Vec<u8> {
    let (target, length) = (format!("{path}?{}", polling(sid)), body.len() + 1);
    format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}").into()
}

/// The head of a post of one byte, with these header lines. Whoever waits for the byte answers [`GO_ON`].
pub(crate) fn post_announced(path: &str, sid: &str, headers: &str) -> Vec<u8> {
    let target = format!("{path}?{}", polling(sid));
    format!(
        "POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n{headers}\r\n"
    )
    .into()
}

pub(crate) const GO_ON: &str = "HTTP/1.1 100 Continue\r\n\r\n";

/// What the first packet says.
fn opened(packet: &str) -> Value {
    serde_json::from_str(packet.strip_prefix('0').unwrap()).unwrap()
}

struct Socket(RawSocket);

impl Socket {
    async fn say(&mut self, text: &str) {
        self.0.send(&masked(TEXT, text.as_bytes())).await;
    }

    async fn attach(&mut self, bytes: &[u8]) {
        self.0.send(&masked(BINARY, bytes)).await;
    }

    /// The next message that is no ping; those are answered.
    async fn hear(&mut self) -> (u8, Vec<u8>) {
        loop {
            let frame = self.0.frame().await.expect("the connection is open");
            if frame.payload == b"2" {
                self.say("3").await;
                continue;
            }
            return (frame.opcode, frame.payload);
        }
    }

    async fn text(&mut self) -> String {
        let (opcode, payload) = self.hear().await;
        assert_eq!(opcode, 1, "{payload:?}");
        String::from_utf8(payload).unwrap()
    }

    async fn binary(&mut self) -> Vec<u8> {
        let (opcode, payload) = self.hear().await;
        assert_eq!(opcode, 2, "{payload:?}");
        payload
    }

    async fn ends(mut self) {
        assert!(self.0.close_code().await.is_some());
    }
}
