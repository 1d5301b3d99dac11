//! What is answered to what is heard over Engine.IO.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Value, json};

use super::Protocol;
use crate::codec::{
    Frame,
    socketio::{self, Engine, Kind, Packet, Sent},
};

const NAMESPACES: [&str; 2] = ["/", "/custom"];

/// What was said ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Goodbye,
    Breach,
}

/// What was heard besides what was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    Pong,
    Other,
}

/// One client's side of the conversation.
pub(super) enum Talk {
    Engine,
    Sockets(Sockets),
}

impl Talk {
    pub(super) fn new(protocol: Protocol) -> Self {
        match protocol {
            Protocol::EngineIo => Self::Engine,
            Protocol::SocketIo => Self::Sockets(Sockets::default()),
        }
    }

    /// Whether the client has said what it is here for.
    pub(super) fn is_connected(&self) -> bool {
        match self {
            Self::Engine => true,
            Self::Sockets(sockets) => sockets.was_connected,
        }
    }

    pub(super) fn on_text(&mut self, text: &str, told: &mut Vec<Frame>) -> Result<Heard, Over> {
        match Engine::parse(text).map_err(|_| Over::Breach)? {
            Engine::Close => Err(Over::Goodbye),
            Engine::Pong => Ok(Heard::Pong),
            Engine::Noop => Ok(Heard::Other),
            Engine::Ping(_) | Engine::Upgrade => Err(Over::Breach),
            Engine::Message(message) => {
                match self {
                    Self::Engine => told.push(Frame::text(text.as_bytes())),
                    Self::Sockets(sockets) => sockets.on_packet(message, told)?,
                }
                Ok(Heard::Other)
            }
        }
    }

    pub(super) fn on_binary(&mut self, bytes: &[u8], told: &mut Vec<Frame>) -> Result<(), Over> {
        match self {
            Self::Engine => told.push(Frame::binary(bytes)),
            Self::Sockets(sockets) => sockets.on_attachment(bytes, told)?,
        }
        Ok(())
    }
}

/// The namespaces that a client is in.
#[derive(Default)]
pub(super) struct Sockets {
    joined: BTreeSet<String>,
    was_connected: bool,
    waiting: Option<Waiting>,
}

/// An event whose attachments have not all come.
struct Waiting {
    said: Said,
    missing: usize,
    attachments: Vec<Bytes>,
}

struct Said {
    namespace: String,
    id: Option<u64>,
    kind: Kind,
}

impl Sockets {
    fn on_packet(&mut self, text: &str, told: &mut Vec<Frame>) -> Result<(), Over> {
        if self.waiting.is_some() {
            return Err(Over::Breach);
        }
        let packet = Packet::parse(text).map_err(|_| Over::Breach)?;
        let said = Said {
            namespace: packet.namespace.to_owned(),
            id: packet.id,
            kind: packet.kind,
        };
        if packet.attachments == 0 {
            return self.on_said(said, &[], told);
        }
        self.waiting = Some(Waiting {
            said,
            missing: packet.attachments,
            attachments: Vec::new(),
        });
        Ok(())
    }

    fn on_attachment(&mut self, bytes: &[u8], told: &mut Vec<Frame>) -> Result<(), Over> {
        let mut waiting = self.waiting.take().ok_or(Over::Breach)?;
        waiting.attachments.push(Bytes::copy_from_slice(bytes));
        waiting.missing -= 1;
        if waiting.missing == 0 {
            return self.on_said(waiting.said, &waiting.attachments, told);
        }
        self.waiting = Some(waiting);
        Ok(())
    }

    fn on_said(
        &mut self,
        said: Said,
        attachments: &[Bytes],
        told: &mut Vec<Frame>,
    ) -> Result<(), Over> {
        let Said {
            namespace,
            id,
            kind,
        } = said;
        let is_joined = self.joined.contains(&namespace);
        match kind {
            Kind::Connect(_) if !NAMESPACES.contains(&&*namespace) => {
                told.push(socketio::no_namespace(&namespace));
            }
            Kind::Connect(auth) if !is_joined => {
                let sid = json!({ "sid": format!("{:032x}", rand::random::<u128>()) });
                told.push(socketio::connected_to(&namespace, &sid));
                let auth = ["auth".into(), auth];
                told.extend(socketio::message(&namespace, Sent::Event, &auth, &[]));
                self.joined.insert(namespace);
                self.was_connected = true;
            }
            _ if !is_joined => return Err(Over::Breach),
            Kind::Connect(_) => return Err(Over::Breach),
            Kind::Disconnect => {
                self.joined.remove(&namespace);
            }
            Kind::Event { name, arguments } => {
                told.extend(answer(&namespace, (&name, arguments, id), attachments));
            }
            Kind::Illegible | Kind::Ack => {}
        }
        Ok(())
    }
}

fn answer(
    namespace: &str,
    (name, mut arguments, id): (&str, Vec<Value>, Option<u64>),
    attachments: &[Bytes],
) -> Vec<Frame> {
    match (name, id) {
        ("message", _) => {
            let mut event = vec!["message-back".into()];
            event.append(&mut arguments);
            socketio::message(namespace, Sent::Event, &event, attachments)
        }
        ("message-with-ack", Some(id)) => {
            socketio::message(namespace, Sent::Ack(id), &arguments, attachments)
        }
        _ => Vec::new(),
    }
}
