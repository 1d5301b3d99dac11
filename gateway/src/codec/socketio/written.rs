//! Packets as they go: the same form as they come in.

use bytes::Bytes;
use serde_json::{Value, json};
use shared::wire::Problem;

use crate::codec::Frame;

/// What a packet with arguments is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The first argument is its name.
    Event,
    /// The answer to the event of this number.
    Ack(u64),
}

/// An event or an acknowledgement, and its attachments: binary messages that follow it at once, and that
/// `{"_placeholder":true,"num":N}` stands for among the arguments.
pub(crate) fn message(
    namespace: &str,
    sent: Sent,
    arguments: &[Value],
    attachments: &[Bytes],
) -> Vec<Frame> {
    let data = Value::from(arguments);
    let id = match sent {
        Sent::Event => String::new(),
        Sent::Ack(id) => id.to_string(),
    };
    let namespace = prefix(namespace);
    let text = match (sent, attachments.len()) {
        (Sent::Event, 0) => format!("42{namespace}{data}"),
        (Sent::Ack(_), 0) => format!("43{namespace}{id}{data}"),
        (Sent::Event, count) => format!("45{count}-{namespace}{data}"),
        (Sent::Ack(_), count) => format!("46{count}-{namespace}{id}{data}"),
    };
    let text = Frame::text(text.as_bytes());
    let attachments = attachments.iter().map(|bytes| Frame::binary(bytes));
    std::iter::once(text).chain(attachments).collect()
}

fn prefix(namespace: &str) -> String {
    match namespace {
        "/" => String::new(),
        other => format!("{other},"),
    }
}

/// The client is in this namespace.
pub(crate) fn connected_to(namespace: &str, data: &Value) -> Frame {
    Frame::text(format!("40{}{data}", prefix(namespace)).as_bytes())
}

/// The client is in; with the same `pid` as before, nothing was lost.
pub(crate) fn connected(sid: &str, pid: &str) -> Frame {
    connected_to("/", &json!({ "sid": sid, "pid": pid }))
}

/// There is no such namespace.
pub(crate) fn no_namespace(namespace: &str) -> Frame {
    let data = json!({ "message": "Invalid namespace" });
    Frame::text(format!("44{}{data}", prefix(namespace)).as_bytes())
}

/// The client is not let into this namespace. It does not come back by itself.
pub(crate) fn refused(namespace: &str, problem: &Problem) -> Frame {
    let data = json!({ "message": problem.detail, "data": { "code": problem.code } });
    Frame::text(format!("44{}{data}", prefix(namespace)).as_bytes())
}

/// The end of the namespace: the client does not come back by itself.
pub(crate) fn disconnected() -> Frame {
    Frame::text(b"41")
}

/// The answer to an event that asked for one.
pub(crate) fn ack(id: u64, data: &Value) -> Frame {
    let mut frames = message("/", Sent::Ack(id), std::slice::from_ref(data), &[]);
    frames.swap_remove(0)
}
