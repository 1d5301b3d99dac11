//! Socket.IO 5 over Engine.IO 4, as texts: packets read and written, and the product's events and commands by their names
//! there. Pure.
//!
//! Nothing is decided here: a command becomes one of the native protocol, an event is the native one in other words.

mod commands;
mod events;
pub(crate) mod packet;
mod spelling;

use serde_json::{Value, json};
use shared::wire::Problem;

pub(crate) use commands::{Said, translate};
pub(crate) use events::Told;
pub(crate) use packet::{Engine, Kind, Packet};

use super::Frame;
use events::Argument;

/// Engine.IO's ping, from us to the client: never the other way round.
pub(crate) fn ping() -> Frame {
    Frame::text(b"2")
}

/// Engine.IO's first packet, with times in milliseconds and the longest message in bytes.
pub(crate) fn open(sid: &str, ping_ms: u64, payload_bytes_max: usize) -> Frame {
    let data = json!({
        "sid": sid,
        "upgrades": [],
        "pingInterval": ping_ms,
        "pingTimeout": ping_ms,
        "maxPayload": payload_bytes_max,
    });
    Frame::text(format!("0{data}").as_bytes())
}

/// The client is in; with the same `pid` as before, nothing was lost.
pub(crate) fn connected(sid: &str, pid: &str) -> Frame {
    let data = json!({ "sid": sid, "pid": pid });
    Frame::text(format!("40{data}").as_bytes())
}

/// There is no such namespace.
pub(crate) fn no_namespace(namespace: &str) -> Frame {
    let data = json!({ "message": "Invalid namespace" });
    Frame::text(format!("44{namespace},{data}").as_bytes())
}

/// The client is not let in. It does not come back by itself.
pub(crate) fn refused(problem: &Problem) -> Frame {
    let data = json!({ "message": problem.detail, "data": { "code": problem.code } });
    Frame::text(format!("44{data}").as_bytes())
}

/// The end of the namespace: the client does not come back by itself.
pub(crate) fn disconnected() -> Frame {
    Frame::text(b"41")
}

/// The answer to an event that asked for one.
pub(crate) fn ack(id: u64, data: &Value) -> Frame {
    Frame::text(format!("43{id}{}", Value::Array(vec![data.clone()])).as_bytes())
}

/// An event was refused; told as an acknowledgement where one was asked for, else as an event.
pub(crate) fn refusal(id: Option<u64>, problem: &Problem) -> Frame {
    let error = json!({ "code": problem.code, "message": problem.detail });
    match id {
        Some(id) => ack(id, &json!({ "error": error })),
        None => Frame::text(format!("42{}", json!(["error", error])).as_bytes()),
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
        ("error", Some(id)) => ack(
            id,
            &json!({ "error": spelling::camel(Value::Object(fields)) }),
        ),
        ("error", None) => event("error", spelling::camel(Value::Object(fields))),
        (kind, _) => event(kind, data.unwrap_or_else(|| json!({}))),
    }
}

fn event(name: &str, payload: Value) -> Frame {
    events::complete(name, &Argument::Payload(payload))
}

#[cfg(test)]
mod tests;
