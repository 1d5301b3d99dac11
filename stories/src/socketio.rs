//! Somebody who speaks Socket.IO, over a WebSocket: packets by hand, so that every one of them can be looked at.

use std::{collections::VecDeque, time::Duration};

use serde_json::{Value, json};
use shared::testing::{Connect, Received, WireClient};
use tokio::time::{Instant, timeout_at};

use crate::{Node, Person};

/// As [`Person`]'s.
const PATIENCE: Duration = Duration::from_secs(30);

/// An open socket in the namespace `/`.
pub struct SocketIo {
    socket: WireClient,
    next_id: u64,
    /// Came while something else was waited for.
    waiting: VecDeque<(String, Value)>,
    /// Every event that came, in order: what it is called, and its first argument.
    pub heard: Vec<(String, Value)>,
}

impl SocketIo {
    /// Connects to this gateway as the library does: who it is, the packet says.
    pub async fn connect(person: &Person, gateway: &Node) -> Self {
        let mut connect = Connect::bearer(gateway.http.base(), &person.token);
        connect.credentials = shared::testing::Credentials::None;
        connect.path = "/socket.io/?EIO=4&transport=websocket";
        let socket = WireClient::connect(&connect).await.expect("a WebSocket");
        let mut socket = Self {
            socket,
            next_id: 0,
            waiting: VecDeque::new(),
            heard: Vec::new(),
        };
        assert!(socket.packet().await.starts_with('0'));
        socket
            .say(&format!("40{}", json!({"token": person.token})))
            .await;
        let connected = socket.packet().await;
        assert!(connected.starts_with("40{"), "{connected}");
        socket
    }

    async fn say(&self, packet: &str) {
        self.socket.send_text(packet).await.expect("sent");
    }

    /// The next packet that is no ping; those are answered.
    async fn packet(&mut self) -> String {
        loop {
            let deadline = Instant::now() + PATIENCE;
            let received = timeout_at(deadline, self.socket.next()).await;
            match received.expect("something in time") {
                Received::Frame(Value::String(packet)) => return packet,
                // A number by itself is JSON: only the ping is one.
                Received::Frame(ping) => {
                    assert_eq!(ping, 2);
                    self.say("3").await;
                }
                Received::Closed(code, reason) => panic!("closed with {code} {reason}"),
            }
        }
    }

    /// The next event.
    async fn event(&mut self) -> (String, Value) {
        if let Some(heard) = self.waiting.pop_front() {
            return heard;
        }
        let packet = self.packet().await;
        self.note(&packet).unwrap_or_else(|| panic!("{packet}"))
    }

    /// What an event's packet tells.
    fn note(&mut self, packet: &str) -> Option<(String, Value)> {
        let told: Vec<Value> = serde_json::from_str(packet.strip_prefix("42")?).ok()?;
        let heard = (told.first()?.as_str()?.to_owned(), told.get(1)?.clone());
        self.heard.push(heard.clone());
        Some(heard)
    }

    /// The argument of the next event of this name; others are passed over.
    pub async fn hears(&mut self, name: &str) -> Value {
        loop {
            let (heard, argument) = self.event().await;
            if heard == name {
                return argument;
            }
        }
    }

    /// Emits an event and waits for its acknowledgement.
    pub async fn emits(&mut self, name: &str, argument: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        self.say(&format!("42{id}{}", json!([name, argument])))
            .await;
        let answer = format!("43{id}[");
        loop {
            let packet = self.packet().await;
            if packet.starts_with(&answer) {
                let arguments = &packet[answer.len() - 1..];
                let arguments: Vec<Value> = serde_json::from_str(arguments).expect("JSON");
                return arguments.into_iter().next().unwrap_or_default();
            }
            let heard = self.note(&packet);
            self.waiting
                .push_back(heard.unwrap_or_else(|| panic!("{packet}")));
        }
    }
}
