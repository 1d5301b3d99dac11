//! Socket.IO: the texts of [`crate::codec::socketio`] in WebSocket frames.
//!
//! A durable event ends with where the client stands after it, in all its channels: the library gives it back when it comes
//! again, with the `pid` that it was given at first. That is all there is of a session, so any node can go on with it.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use shared::wire::{Channel, CloseAdvice, CloseReason, Position};

use super::{Cursor, cursor::InvalidCursor};
use crate::codec::{
    Encoded, Frame,
    native::{self, ChannelStart},
    socketio::{self, Opening, Told},
};

/// Between the token and the cursor of a `pid`; in neither of them.
const SEPARATOR: char = '~';

#[derive(Debug)]
pub(crate) struct SocketIo {
    cursor: Cursor,
    /// The engine's name and kind, until they were told.
    opening: Option<Opening>,
    /// Whether the client may send compressed messages.
    compressed: bool,
    /// The `pid` that the client showed, until it is told what became of it.
    shown: Option<String>,
    /// Binary messages that still belong to an event.
    attachments: usize,
}

impl SocketIo {
    pub(crate) fn new(opening: Opening, compressed: bool) -> Self {
        Self {
            opening: Some(opening),
            ..Self::again(compressed)
        }
    }

    /// For an engine that is open, and whose client has left the namespace.
    pub(crate) fn again(compressed: bool) -> Self {
        Self {
            cursor: Cursor::default(),
            opening: None,
            compressed,
            shown: None,
            attachments: 0,
        }
    }

    /// The engine's name and kind, to be told once.
    pub(crate) fn take_opening(&mut self) -> Option<Opening> {
        self.opening.take()
    }

    pub(crate) fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// The client was here before, under this name.
    pub(crate) fn comes_back(&mut self, pid: String) {
        self.shown = Some(pid);
    }

    pub(super) fn frame(frame: &Frame) -> Bytes {
        socketio::native(frame).bytes().clone()
    }

    pub(super) fn event(&mut self, encoded: &Encoded) -> Bytes {
        let event = &encoded.event;
        if let Some(position) = event.position {
            self.cursor.set(event.channel, position);
        }
        match encoded.socketio() {
            Told::Frames(frames) => frames.clone(),
            Told::Open(open) => {
                let cursor = self.cursor.encode();
                let frame = Frame::text_of(&[open, b",\"", cursor.as_bytes(), b"\"]"]);
                frame.bytes().clone()
            }
        }
    }

    /// The client's `pid` again says that nothing was lost.
    pub(super) fn welcome(
        &mut self,
        frame: &Frame,
        starts: &BTreeMap<Channel, ChannelStart>,
    ) -> Bytes {
        #[derive(Deserialize)]
        struct Welcome<'a> {
            #[serde(borrow)]
            data: Data<'a>,
        }
        #[derive(Deserialize)]
        struct Data<'a> {
            connection_id: &'a str,
            resume_token: &'a str,
        }
        for (channel, start) in starts {
            self.cursor.set(*channel, start.position);
        }
        let welcome: Welcome<'_> = serde_json::from_slice(frame.payload())
            .expect("the session wrote it, and texts of ours need no escaping");
        let lost = starts.values().any(|start| start.recovered == Some(false));
        let pid = self.shown.take().filter(|_| !lost).unwrap_or_else(|| {
            let cursor = self.cursor.encode();
            format!("{}{SEPARATOR}{cursor}", welcome.data.resume_token)
        });
        let connected = socketio::connected(welcome.data.connection_id, &pid);
        connected.bytes().clone()
    }

    pub(super) fn moved(&mut self, channel: Channel, position: Position) {
        self.cursor.set(channel, position);
    }

    pub(super) fn left(&mut self, channel: Channel) {
        self.cursor.forget(channel);
    }

    /// Who must not come back is put out of the namespace; everybody else only loses the engine, and comes back.
    pub(super) fn goodbye(reason: CloseReason, retry_after_ms: Option<u64>) -> Bytes {
        let close = Frame::close(reason, retry_after_ms).bytes().clone();
        if CloseAdvice::for_code(reason.code()) != Some(CloseAdvice::Stop) {
            return close;
        }
        let why = socketio::native(&native::close(reason, retry_after_ms));
        let out = socketio::disconnected();
        [why.bytes(), out.bytes(), &close]
            .map(|frame| &frame[..])
            .concat()
            .into()
    }

    /// So many binary messages belong to what was just said.
    pub(crate) fn expect_attachments(&mut self, count: usize) {
        self.attachments = count;
    }

    pub(crate) fn awaits_attachments(&self) -> bool {
        self.attachments > 0
    }

    /// A binary message; false where none belongs.
    pub(crate) fn take_attachment(&mut self) -> bool {
        let awaited = self.awaits_attachments();
        self.attachments = self.attachments.saturating_sub(1);
        awaited
    }
}

/// What a client shows of an earlier connection: its resume token, and where it stands.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) token: String,
    pub(crate) cursor: Cursor,
}

impl Shown {
    /// `pid` says where the connection began, the offset where it was at the last event. One from before that beginning is
    /// of an older connection: the library keeps it until there is a newer one.
    pub(crate) fn read(pid: &str, offset: Option<&str>) -> Result<Self, InvalidCursor> {
        let (token, begun) = pid.rsplit_once(SEPARATOR).ok_or(InvalidCursor)?;
        let begun = Cursor::decode(begun)?;
        let offset = offset.map(Cursor::decode).transpose()?;
        let newer = offset.filter(|offset| !offset.is_before(&begun));
        Ok(Self {
            token: token.to_owned(),
            cursor: newer.unwrap_or(begun),
        })
    }
}
