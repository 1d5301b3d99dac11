//! The native protocol (SPEC §4, `docs/protocol.md`): every frame that a gateway makes itself, and how an event is
//! spliced into one. Each is one line, whatever JSON it was given: clients of some transports take lines apart.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;
use shared::{
    ids::PostId,
    wire::{
        Channel, CloseReason, Event, Offset, Position, Problem, Reference, ack_frame, error_frame,
        said::{Channels, Close, Heartbeat, LeftPost, Reconnect, Resync, SessionExpiring},
    },
};

pub(crate) use shared::wire::said::{ChannelStart, Welcome};

use super::Frame;
use crate::session::LeftBecause;

/// The subprotocol that we speak.
pub(crate) const SUBPROTOCOL: &str = "hubbub.v1";
/// The same with several objects a message, one on each line.
pub(crate) const SUBPROTOCOL_IN_LINES: &str = "hubbub.v1.nd";

/// An event's frame: what the log decided, spliced before the rest of the envelope.
pub(super) fn event(event: &Event) -> Frame {
    let mut head = String::with_capacity(128);
    head.push_str(r#"{"type":"#);
    head.push_str(&json(&event.kind));
    write!(head, r#","id":{},"channel":"{}""#, event.id, event.channel)
        .expect("a String takes any text");
    if let Some(offset) = event.offset() {
        write!(head, r#","offset":{offset}"#).expect("a String takes any text");
    }
    let rest = event.body.strip_prefix(b"{").unwrap_or(&event.body);
    if !rest.trim_ascii_start().starts_with(b"}") {
        head.push(',');
    }
    Frame::line_of(&[head.as_bytes(), rest])
}

/// The first frame of every connection.
pub(crate) fn welcome(welcome: &Welcome<'_>) -> Frame {
    server_frame("welcome", welcome)
}

/// Sent when nothing else was; names the channels whose top has moved since they were last named.
pub(crate) fn heartbeat(tops: &BTreeMap<Channel, Offset>) -> Frame {
    let head = r#"{"type":"heartbeat","#;
    let rest = json(&Heartbeat { tops });
    Frame::line_of(&[
        head.as_bytes(),
        rest.strip_prefix('{').unwrap_or(&rest).as_bytes(),
    ])
}

/// The token ends soon.
pub(crate) fn session_expiring(expires_at: i64) -> Frame {
    server_frame("session_expiring", &SessionExpiring { expires_at })
}

/// The node drains: come back, not sooner than told.
pub(crate) fn reconnect(after_ms: u64) -> Frame {
    server_frame("reconnect", &Reconnect { after_ms })
}

/// Why the connection ends, where a close frame cannot say it.
pub(crate) fn close(reason: CloseReason, retry_after_ms: Option<u64>) -> Frame {
    let data = Close {
        code: reason.code(),
        name: reason.name(),
        retry_after_ms,
    };
    server_frame("close", &data)
}

/// The `type` of a frame that was made here, unless it is none that fits into a line.
pub(crate) fn kind_of(payload: &[u8]) -> Option<&[u8]> {
    let rest = payload.strip_prefix(br#"{"type":""#)?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    let kind = &rest[..end];
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(byte);
    kind.iter().all(is_plain).then_some(kind)
}

/// What was before this position cannot be had as events any more: read it as state.
pub(crate) fn resync(channel: Channel, position: Position) -> Frame {
    let channels = BTreeMap::from([(channel, position)]);
    server_frame("resync", &Resync { channels })
}

/// Another channel is heard from here on: the events that follow carry the offsets after this one.
pub(crate) fn channel_joined(channel: Channel, position: Position) -> Frame {
    let data = Channels {
        joined: BTreeMap::from([(channel, position)]),
        ..Channels::default()
    };
    server_frame("channels", &data)
}

/// A channel is not heard any more.
pub(crate) fn channel_left(channel: Channel) -> Frame {
    let data = Channels {
        left: vec![channel],
        ..Channels::default()
    };
    server_frame("channels", &data)
}

/// The connection is not in a post's room any more.
pub(crate) fn left_post(post: PostId, why: LeftBecause) -> Frame {
    let data = LeftPost {
        post_id: post,
        reason: why.name(),
    };
    server_frame("left_post", &data)
}

/// The answer to `presence`.
pub(crate) fn presence_state(data: &serde_json::value::RawValue) -> Frame {
    server_frame("presence_state", data)
}

/// The answer to `ping`.
pub(crate) fn pong(reference: Option<&Reference>) -> Frame {
    match reference {
        Some(reference) => Frame::line_of(&[
            br#"{"type":"pong","ref":"#,
            reference.as_json().as_bytes(),
            b"}",
        ]),
        None => Frame::line_of(&[br#"{"type":"pong"}"#]),
    }
}

/// The answer to a command that was done.
pub(crate) fn ack(reference: &Reference, data: &serde_json::value::RawValue) -> Frame {
    Frame::line_of(&[&ack_frame(reference, data)])
}

/// The answer to a command, or a frame, that was refused.
pub(crate) fn error(reference: Option<&Reference>, problem: &Problem) -> Frame {
    Frame::line_of(&[&error_frame(reference, problem)])
}

fn server_frame(kind: &str, data: &(impl Serialize + ?Sized)) -> Frame {
    Frame::line_of(&[format!(r#"{{"type":"{kind}","data":{}}}"#, json(data)).as_bytes()])
}

fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("texts, numbers and maps with text keys always serialise")
}
