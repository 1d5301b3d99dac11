//! The native protocol (SPEC §4, `docs/protocol.md`): every frame that a gateway makes itself, and how an event is
//! spliced into one.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;
use shared::{
    ids::{PostId, UserId},
    wire::{
        Channel, CloseReason, Event, Offset, Position, Problem, Reference, ack_frame, error_frame,
    },
};

use super::Frame;
use crate::session::LeftBecause;

/// The subprotocol that we speak.
pub(crate) const SUBPROTOCOL: &str = "hubbub.v1";

/// Where a connection's stream of one channel starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct ChannelStart {
    /// The events that follow carry the offsets after this one.
    #[serde(flatten)]
    pub(crate) position: Position,
    /// Whether everything since the client's position follows; absent when the client gave none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recovered: Option<bool>,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
}

impl ChannelStart {
    /// Where the channel is now; the client asked for nothing before it.
    pub(crate) fn fresh(position: Position) -> Self {
        Self {
            position,
            recovered: None,
            reason: None,
        }
    }

    /// Everything since then follows.
    pub(crate) fn recovered(since: Position) -> Self {
        Self {
            position: since,
            recovered: Some(true),
            reason: None,
        }
    }

    /// Where the channel is now; what was before cannot be had.
    pub(crate) fn lost(position: Position, reason: &'static str) -> Self {
        Self {
            position,
            recovered: Some(false),
            reason: Some(reason),
        }
    }
}

/// `welcome`'s data.
#[derive(Debug, Serialize)]
pub(crate) struct Welcome<'a> {
    pub(crate) connection_id: &'a str,
    pub(crate) user_id: UserId,
    pub(crate) node: &'a str,
    pub(crate) heartbeat_seconds: u64,
    pub(crate) session_expires_at: i64,
    pub(crate) resume_token: &'a str,
    pub(crate) channels: &'a BTreeMap<Channel, ChannelStart>,
}

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
    Frame::text_of(&[head.as_bytes(), rest])
}

/// The first frame of every connection.
pub(crate) fn welcome(welcome: &Welcome<'_>) -> Frame {
    server_frame("welcome", welcome)
}

/// Sent when nothing else was; names the channels whose top has moved since they were last named.
pub(crate) fn heartbeat(tops: &BTreeMap<Channel, Offset>) -> Frame {
    Frame::text(format!(r#"{{"type":"heartbeat","tops":{}}}"#, json(tops)).as_bytes())
}

/// The token ends soon.
pub(crate) fn session_expiring(expires_at: i64) -> Frame {
    #[derive(Serialize)]
    struct Data {
        expires_at: i64,
    }
    server_frame("session_expiring", &Data { expires_at })
}

/// The node drains: come back, not sooner than told.
pub(crate) fn reconnect(after_ms: u64) -> Frame {
    #[derive(Serialize)]
    struct Data {
        after_ms: u64,
    }
    server_frame("reconnect", &Data { after_ms })
}

/// Why the connection ends, where a close frame cannot say it.
pub(crate) fn close(reason: CloseReason, retry_after_ms: Option<u64>) -> Frame {
    #[derive(Serialize)]
    struct Data {
        code: u16,
        name: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    }
    let data = Data {
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
    #[derive(Serialize)]
    struct Data {
        channels: BTreeMap<Channel, Position>,
    }
    let channels = BTreeMap::from([(channel, position)]);
    server_frame("resync", &Data { channels })
}

/// Another channel is heard from here on: the events that follow carry the offsets after this one.
pub(crate) fn channel_joined(channel: Channel, position: Position) -> Frame {
    #[derive(Serialize)]
    struct Data {
        joined: BTreeMap<Channel, Position>,
    }
    let joined = BTreeMap::from([(channel, position)]);
    server_frame("channels", &Data { joined })
}

/// A channel is not heard any more.
pub(crate) fn channel_left(channel: Channel) -> Frame {
    #[derive(Serialize)]
    struct Data {
        left: [Channel; 1],
    }
    server_frame("channels", &Data { left: [channel] })
}

/// The connection is not in a post's room any more.
pub(crate) fn left_post(post: PostId, why: LeftBecause) -> Frame {
    #[derive(Serialize)]
    struct Data {
        post_id: PostId,
        reason: &'static str,
    }
    let data = Data {
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
        Some(reference) => Frame::text_of(&[
            br#"{"type":"pong","ref":"#,
            reference.as_json().as_bytes(),
            b"}",
        ]),
        None => Frame::text(br#"{"type":"pong"}"#),
    }
}

/// The answer to a command that was done.
pub(crate) fn ack(reference: &Reference, data: &serde_json::value::RawValue) -> Frame {
    Frame::text(&ack_frame(reference, data))
}

/// The answer to a command, or a frame, that was refused.
pub(crate) fn error(reference: Option<&Reference>, problem: &Problem) -> Frame {
    Frame::text(&error_frame(reference, problem))
}

fn server_frame(kind: &str, data: &(impl Serialize + ?Sized)) -> Frame {
    Frame::text(format!(r#"{{"type":"{kind}","data":{}}}"#, json(data)).as_bytes())
}

fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("texts, numbers and maps with text keys always serialise")
}
