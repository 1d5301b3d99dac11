//! Server-Sent Events: one answer that never ends.
//!
//! Every frame is the `data` of one event, as it would be on a WebSocket. The `id` is where the client stands after it
//! ([`Cursor`]), and the only thing that a connection does not share with others: so the text around the payload is made
//! for each.

use std::collections::BTreeMap;

use bytes::Bytes;
use shared::wire::{Channel, CloseAdvice, CloseReason, Position};

use super::Cursor;
use crate::codec::{
    Encoded, Frame,
    native::{self, ChannelStart},
};

/// A client that comes back by itself waits for so long, and up to twice as long.
const RETRY_MS: u64 = 1000;
/// `EventSource` comes back whatever it is told. Somebody who must not gets a day to think.
const RETRY_NEVER_MS: u64 = 24 * 60 * 60 * 1000;

const HEAD: &str = "HTTP/1.1 200 OK\r\n\
    content-type: text/event-stream\r\n\
    cache-control: no-store\r\n\
    x-accel-buffering: no\r\n\
    connection: close\r\n";

#[derive(Debug)]
pub(crate) struct EventStream {
    cursor: Cursor,
    /// Whether events have names, so that listeners by name hear them, and `onmessage` does not.
    named: bool,
    /// Lines of the head that depend on the request.
    headers: String,
}

impl EventStream {
    pub(crate) fn new(named: bool, headers: String) -> Self {
        Self {
            cursor: Cursor::default(),
            named,
            headers,
        }
    }

    /// The head, and a first comment, so that whoever passes it on passes something on.
    pub(super) fn opening(&self) -> Bytes {
        let retry = RETRY_MS + rand::random_range(0..RETRY_MS);
        let opening = format!("{HEAD}{}\r\n: hubbub\nretry: {retry}\n\n", self.headers);
        opening.into()
    }

    pub(super) fn frame(&self, frame: &Frame) -> Bytes {
        self.block(frame, None, None)
    }

    /// Only a durable event moves the client on; any other could be dropped on the way.
    pub(super) fn event(&mut self, encoded: &Encoded) -> Bytes {
        let event = &encoded.event;
        if let Some(position) = event.position {
            self.cursor.set(event.channel, position);
        }
        let id = event.position.map(|_| self.cursor.encode());
        self.block(encoded.native(), id.as_deref(), None)
    }

    pub(super) fn welcome(
        &mut self,
        frame: &Frame,
        starts: &BTreeMap<Channel, ChannelStart>,
    ) -> Bytes {
        for (channel, start) in starts {
            self.cursor.set(*channel, start.position);
        }
        let id = self.cursor.encode();
        self.block(frame, Some(&id), None)
    }

    pub(super) fn moved(&mut self, channel: Channel, position: Position) {
        self.cursor.set(channel, position);
    }

    pub(super) fn left(&mut self, channel: Channel) {
        self.cursor.forget(channel);
    }

    /// Why it ends, and when to come back.
    pub(super) fn goodbye(&self, reason: CloseReason, retry_after_ms: Option<u64>) -> Bytes {
        let retry_ms = match CloseAdvice::for_code(reason.code()) {
            Some(CloseAdvice::Stop) => Some(RETRY_NEVER_MS),
            _ => retry_after_ms,
        };
        self.block(&native::close(reason, retry_after_ms), None, retry_ms)
    }

    fn block(&self, frame: &Frame, id: Option<&str>, retry_ms: Option<u64>) -> Bytes {
        let payload = frame.payload();
        let mut block = Vec::with_capacity(payload.len() + 96 + id.map_or(0, str::len));
        let mut line = |name: &str, value: &[u8]| {
            for part in [name.as_bytes(), b": ", value, b"\n"] {
                block.extend_from_slice(part);
            }
        };
        if let Some(name) = native::kind_of(payload).filter(|_| self.named) {
            line("event", name);
        }
        if let Some(id) = id {
            line("id", id.as_bytes());
        }
        if let Some(retry_ms) = retry_ms {
            line("retry", retry_ms.to_string().as_bytes());
        }
        line("data", payload);
        block.push(b'\n');
        block.into()
    }
}
