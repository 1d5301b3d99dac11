//! Socket.IO 5 over Engine.IO 4, as texts: packets read and written, and the product's events and commands by their names
//! there. Pure.
//!
//! Nothing is decided here: a command becomes one of the native protocol, an event is the native one in other words.

mod commands;
mod events;
pub(crate) mod packet;
mod spelling;
mod written;

use serde_json::{Map, Value, json};
use shared::wire::{Problem, error_frame};

pub(crate) use commands::{Said, translate};
pub(crate) use events::Told;
pub(crate) use packet::{Engine, Kind, Packet};
pub(crate) use written::{
    Sent, ack, connected, connected_to, disconnected, message, no_namespace, refused,
};

use super::Frame;
use events::Argument;

/// Engine.IO's ping, from us to the client: never the other way round.
pub(crate) fn ping() -> Frame {
    Frame::text(b"2")
}

/// A session that begins.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    /// Its name; unguessable.
    pub(crate) sid: String,
    pub(crate) is_polled: bool,
}

/// What a session's client must know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) ping_interval_ms: u64,
    /// For the answer to a ping.
    pub(crate) ping_timeout_ms: u64,
    pub(crate) payload_bytes_max: usize,
}

/// Engine.IO's first packet.
pub(crate) fn open(opening: &Opening, terms: Terms) -> Frame {
    let upgrades: &[&str] = if opening.is_polled {
        &["websocket"]
    } else {
        &[]
    };
    let data = json!({
        "sid": opening.sid,
        "upgrades": upgrades,
        "pingInterval": terms.ping_interval_ms,
        "pingTimeout": terms.ping_timeout_ms,
        "maxPayload": terms.payload_bytes_max,
    });
    Frame::text(format!("0{data}").as_bytes())
}

/// An event was refused; told as an acknowledgement where one was asked for, else as an event.
pub(crate) fn refusal(id: Option<u64>, problem: &Problem) -> Frame {
    let mut fields: Map<String, Value> = serde_json::from_slice(&error_frame(None, problem))
        .expect("it was written as an object just now");
    fields.remove("type");
    error(id, fields)
}

fn error(id: Option<u64>, fields: Map<String, Value>) -> Frame {
    let error = spelling::camel(Value::Object(fields));
    match id {
        Some(id) => ack(id, &json!({ "error": error })),
        None => event("error", error),
    }
}

/// A frame of the native protocol, in the words of this one. One that is none stays as it is: it is a packet already, or
/// controls the WebSocket.
pub(crate) fn native(frame: &Frame) -> Frame {
    let is_json = frame.is_data() && frame.payload().starts_with(b"{");
    let parsed = is_json.then(|| serde_json::from_slice::<Value>(frame.payload()).ok());
    let Some(Value::Object(mut fields)) = parsed.flatten() else {
        return frame.clone();
    };
    let kind = fields.remove("type");
    let kind = kind.as_ref().and_then(Value::as_str).unwrap_or_default();
    let id = fields.remove("ref").as_ref().and_then(Value::as_u64);
    let data = fields.remove("data").map(spelling::camel);
    match (kind, id) {
        ("ack", Some(id)) => ack(id, &data.unwrap_or(Value::Null)),
        ("pong", Some(id)) => ack(id, &json!({})),
        ("error", id) => error(id, fields),
        (kind, _) => event(kind, data.unwrap_or_else(|| json!({}))),
    }
}

fn event(name: &str, payload: Value) -> Frame {
    events::complete(name, &Argument::Payload(payload))
}

#[cfg(test)]
mod tests;
