//! Somebody who signs up, sends, listens.

use std::time::Duration;

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};
use shared::testing::{Answer, Connect, HttpClient, Received, WireClient};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{Contract, Node};

/// The longest that a story waits for anything: far above what is promised, so that a slow machine fails no story.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest between two messages, while servers fail over or start again.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// Everybody's.
pub const PASSWORD: &str = "correct horse battery";

/// A user who is signed in.
pub struct Person {
    /// The user's id.
    pub id: i64,
    /// The username.
    pub name: String,
    /// An access token.
    pub token: String,
}

impl Person {
    /// Registers `name` through this pod.
    pub async fn sign_up(api: &Node, name: &str) -> Self {
        let form = json!({
            "username": name, "name": name, "email": format!("{name}@example.com"), "password": PASSWORD,
        });
        let path = "/api/v1/auth/register";
        let answer = api
            .http
            .send(Method::POST, path, None, Some(&form))
            .await
            .expect("an answer");
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json);
        Self::of(&answer.json, name)
    }

    /// The same user on another device.
    pub async fn logs_in(&self, api: &Node) -> Self {
        let form = json!({"username": self.name, "password": PASSWORD});
        let path = "/api/v1/auth/login";
        let answer = api.http.send(Method::POST, path, None, Some(&form)).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
        Self::of(&answer.json, &self.name)
    }

    fn of(credentials: &Value, name: &str) -> Self {
        Self {
            id: credentials["user"]["id"].as_i64().expect("an id"),
            name: name.to_owned(),
            token: credentials["access_token"]
                .as_str()
                .expect("a token")
                .to_owned(),
        }
    }

    /// Any request in this person's name.
    pub async fn request(
        &self,
        api: &Node,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let path = format!("/api/v1{path}");
        let answer = api
            .http
            .send(method, &path, Some(&self.token), body.as_ref())
            .await;
        answer.expect("an answer")
    }

    /// Sends a message, and repeats it under the same `client_message_id` while the answer is "try again", as every client
    /// must: a failure without an answer says nothing about whether it was stored.
    pub async fn says(&self, api: &Node, to: &Person, content: &str) -> Value {
        let client_message_id = format!("{:032x}", rand::random::<u128>());
        let message =
            json!({"to": to.id, "content": content, "client_message_id": client_message_id});
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.try_to_send(&api.http, &message).await {
                Ok(sent) => return sent,
                Err(why) => assert!(
                    Instant::now() < deadline,
                    "{content:?} cannot be sent: {why}"
                ),
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn try_to_send(&self, http: &HttpClient, message: &Value) -> Result<Value, String> {
        let sent = http
            .send(
                Method::POST,
                "/api/v1/messages",
                Some(&self.token),
                Some(message),
            )
            .await;
        let answer = sent.map_err(|error| error.to_string())?;
        if answer.status.is_success() {
            return Ok(answer.json);
        }
        assert!(answer.status.is_server_error(), "refused: {}", answer.json);
        Err(answer.json.to_string())
    }

    /// Opens a socket on this gateway.
    pub async fn listens(&self, gateway: &Node) -> Listener {
        self.listens_from(gateway, Map::new()).await
    }

    /// The same, from these positions on: `{channel: {epoch, offset}}`, as `/bootstrap` gives them.
    pub async fn listens_from(&self, gateway: &Node, positions: Map<String, Value>) -> Listener {
        self.listens_through(&gateway.http, positions).await
    }

    /// The same, where somebody else chooses the node.
    pub async fn listens_through(
        &self,
        gateway: &HttpClient,
        positions: Map<String, Value>,
    ) -> Listener {
        let mut listener = Listener {
            connect: Connect::bearer(gateway.base(), &self.token),
            socket: None,
            welcome: Value::Null,
            positions,
        };
        listener.come_back_to(gateway).await;
        listener
    }
}

/// An open socket, with the positions that a client keeps.
pub struct Listener {
    connect: Connect,
    socket: Option<WireClient>,
    /// The `welcome` of the present connection.
    pub welcome: Value,
    /// `{channel: {epoch, offset}}`, moved on by every durable event.
    pub positions: Map<String, Value>,
}

impl Listener {
    /// Connects to this gateway, resuming from the positions that are known.
    pub async fn come_back(&mut self, gateway: &Node) {
        self.come_back_to(&gateway.http).await;
    }

    /// [`Listener::come_back`], where somebody else has the node in hand.
    pub async fn come_back_to(&mut self, gateway: &HttpClient) {
        gateway.base().clone_into(&mut self.connect.base);
        self.connect.resume = (!self.positions.is_empty()).then(|| self.positions.clone().into());
        let deadline = Instant::now() + PATIENCE;
        let socket = loop {
            match WireClient::connect(&self.connect).await {
                Ok(socket) => break socket,
                Err(error) => assert!(Instant::now() < deadline, "cannot connect: {error}"),
            }
            sleep(Duration::from_millis(50)).await;
        };
        self.socket = Some(socket);
        self.welcome = match self.next().await {
            Received::Frame(frame) if frame["type"] == "welcome" => frame,
            other => panic!("instead of welcome: {other:?}"),
        };
        for (channel, position) in self.welcome["data"]["channels"]
            .as_object()
            .expect("channels")
        {
            let position = json!({"epoch": position["epoch"], "offset": position["offset"]});
            self.positions.insert(channel.clone(), position);
        }
    }

    /// Reads no more than is asked for, from the next connection on: what comes stays with the gateway.
    pub fn reads_slowly(&mut self) {
        self.connect.reads_ahead = 1;
    }

    /// Takes several objects a message, from the next connection on.
    pub fn takes_lines(&mut self) {
        self.connect.protocols = Some("hubbub.v1.nd".to_owned());
    }

    /// Messages that have come on the present connection.
    pub fn messages(&self) -> u64 {
        self.socket.as_ref().map_or(0, WireClient::messages)
    }

    /// Drops the connection without a word, as a phone in a tunnel does.
    pub fn goes_away(&mut self) {
        self.socket = None;
    }

    /// The next frame or close. Checks what holds for every connection: a frame is as the document of the sockets says, and
    /// offsets have no hole and no repeat.
    pub async fn next(&mut self) -> Received {
        self.next_before(Instant::now() + PATIENCE).await
    }

    /// [`Listener::next`], for somebody who waits for more than any frame: heartbeats come whatever else does not.
    async fn next_before(&mut self, deadline: Instant) -> Received {
        let socket = self.socket.as_mut().expect("connected");
        let received = timeout_at(deadline, socket.next())
            .await
            .expect("something in time");
        if let Received::Frame(frame) = &received {
            Contract::get().check(frame);
            self.keep_channels(frame);
            self.keep_position(frame);
        }
        received
    }

    /// Channels that the connection joins and leaves while it lives.
    fn keep_channels(&mut self, frame: &Value) {
        if frame["type"] != "channels" {
            return;
        }
        let joined = frame["data"]["joined"].as_object().into_iter().flatten();
        for (channel, position) in joined {
            self.positions.insert(channel.clone(), position.clone());
        }
        let left = frame["data"]["left"].as_array().into_iter().flatten();
        for channel in left.filter_map(Value::as_str) {
            self.positions.remove(channel);
        }
    }

    fn keep_position(&mut self, frame: &Value) {
        let (Some(channel), Some(offset)) = (frame["channel"].as_str(), frame["offset"].as_u64())
        else {
            return;
        };
        let position = self
            .positions
            .get_mut(channel)
            .expect("a channel that welcome named");
        let before = position["offset"].as_u64().expect("an offset");
        assert_eq!(
            offset,
            before + 1,
            "a hole or a repeat in {channel}: {frame}"
        );
        position["offset"] = offset.into();
    }

    /// The next event of this type; others are passed over.
    pub async fn hears(&mut self, kind: &str) -> Value {
        loop {
            match self.next().await {
                Received::Frame(frame) if frame["type"] == kind => return frame,
                Received::Frame(_) => {}
                Received::Closed(code, reason) => {
                    panic!("closed with {code} {reason} instead of {kind}")
                }
            }
        }
    }

    /// The contents of the next messages, in the order in which they come, until one of them is `last`; `None` when the
    /// connection ends before.
    pub async fn hears_messages_until(
        &mut self,
        last: &str,
        heard: &mut Vec<String>,
    ) -> Option<()> {
        let mut deadline = Instant::now() + SILENCE_MAX;
        loop {
            match self.next_before(deadline).await {
                Received::Frame(frame) if frame["type"] == "private_message" => {
                    deadline = Instant::now() + SILENCE_MAX;
                    let content = frame["data"]["content"].as_str().expect("a content");
                    heard.push(content.to_owned());
                    if content == last {
                        return Some(());
                    }
                }
                Received::Frame(frame) => {
                    assert_ne!(frame["type"], "resync", "told to reload: {frame}");
                }
                Received::Closed(..) => return None,
            }
        }
    }

    /// The close code, once the server closes; events before it are passed over.
    pub async fn is_closed(&mut self) -> u16 {
        loop {
            if let Received::Closed(code, _) = self.next().await {
                return code;
            }
        }
    }

    /// Sends a command and waits for nothing.
    pub async fn sends(&self, command: Value) {
        let socket = self.socket.as_ref().expect("connected");
        socket.send(&command).await.expect("sent");
    }

    /// Sends a command and returns its `ack` or `error`.
    pub async fn commands(&mut self, command: Value) -> Value {
        let answer = self.tries(command).await;
        answer.expect("an answer, and not the end")
    }

    /// As [`Listener::commands`]; `None` where the server has closed the connection, or does so instead.
    pub async fn tries(&mut self, mut command: Value) -> Option<Value> {
        let reference = format!("{:016x}", rand::random::<u64>());
        command["ref"] = reference.clone().into();
        let socket = self.socket.as_ref().expect("connected");
        // Where it fails, what follows says that it was closed.
        socket.send(&command).await.ok();
        loop {
            match self.next().await {
                Received::Frame(frame) if frame["ref"] == reference.as_str() => {
                    Contract::get().check_answer(&command, &frame);
                    return Some(frame);
                }
                Received::Frame(_) => {}
                Received::Closed(..) => return None,
            }
        }
    }
}
