//! Frames from clients (RFC 6455 §5), read incrementally.
//!
//! Bytes come in whatever pieces the network made. A frame that is there whole is read where it lies, in the shard's
//! scratch buffer; only an incomplete one is copied aside, and the copy is given back as soon as it is complete. So an
//! idle connection holds nothing, and there is no half-done read that a cancelled task could lose.

use std::ops::ControlFlow;

use shared::wire::CloseReason;

/// What a client said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    Ping(&'a [u8]),
    Pong,
    /// With its code, if it gave one.
    Close(Option<u16>),
}

/// What a client must not do; the connection is closed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("the client's frame is not masked")]
    Unmasked,
    #[error("reserved bits are set, or the opcode is reserved")]
    Reserved,
    #[error("a control frame is fragmented or longer than 125 bytes")]
    Control,
    #[error("fragments out of turn")]
    Fragments,
    #[error("the close frame's payload is malformed")]
    Close,
    #[error("text is not UTF-8")]
    Utf8,
    #[error("the message is too large")]
    TooBig,
}

impl Violation {
    /// The close code that it deserves.
    pub(crate) fn close_reason(self) -> CloseReason {
        match self {
            Self::Utf8 => CloseReason::InvalidUtf8,
            Self::TooBig => CloseReason::TooBig,
            Self::Unmasked | Self::Reserved | Self::Control | Self::Fragments | Self::Close => {
                CloseReason::ProtocolError
            }
        }
    }
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

const CONTROL_PAYLOAD_BYTES_MAX: usize = 125;

/// A frame's header, once it is complete.
#[derive(Debug, Clone, Copy)]
struct Header {
    last: bool,
    opcode: u8,
    mask: [u8; 4],
    /// Bytes of the header itself.
    length: usize,
    payload_length: usize,
}

/// A message of several frames, as far as it came.
#[derive(Debug)]
struct Fragments {
    opcode: u8,
    payload: Vec<u8>,
}

/// Reads one connection's frames.
#[derive(Debug)]
pub(crate) struct Parser {
    message_bytes_max: usize,
    /// The incomplete frame at the end, as it came: still masked.
    incomplete: Vec<u8>,
    fragments: Option<Box<Fragments>>,
}

impl Parser {
    /// Messages may have so many bytes, however many frames they come in.
    pub(crate) fn new(message_bytes_max: usize) -> Self {
        Self {
            message_bytes_max,
            incomplete: Vec::new(),
            fragments: None,
        }
    }

    /// Takes the next bytes and hands every complete message to `hear`, which may stop it: then the rest is kept. After a
    /// violation nothing more may be fed.
    pub(crate) fn feed(
        &mut self,
        bytes: &mut [u8],
        mut hear: impl FnMut(Message<'_>) -> ControlFlow<()>,
    ) -> Result<(), Violation> {
        if self.incomplete.is_empty() {
            let consumed = self.frames(bytes, &mut hear)?;
            self.incomplete.extend_from_slice(&bytes[consumed..]);
        } else {
            let mut all = std::mem::take(&mut self.incomplete);
            all.extend_from_slice(bytes);
            let consumed = self.frames(&mut all, &mut hear)?;
            if consumed < all.len() {
                all.drain(..consumed);
                self.incomplete = all;
            }
        }
        Ok(())
    }

    /// The bytes after the last message that was heard.
    pub(crate) fn into_rest(self) -> Vec<u8> {
        self.incomplete
    }

    /// Reads the complete frames at the front; returns their length.
    fn frames(
        &mut self,
        bytes: &mut [u8],
        hear: &mut impl FnMut(Message<'_>) -> ControlFlow<()>,
    ) -> Result<usize, Violation> {
        let mut consumed = 0;
        while let Some(header) = self.header(&bytes[consumed..])? {
            let start = consumed + header.length;
            let Some(payload) = bytes.get_mut(start..start + header.payload_length) else {
                break;
            };
            fastwebsockets::unmask(payload, header.mask);
            consumed = start + header.payload_length;
            if self.frame(header, payload, hear)?.is_break() {
                break;
            }
        }
        Ok(consumed)
    }

    /// The header at the front, checked; `None` while it is incomplete.
    fn header(&self, bytes: &[u8]) -> Result<Option<Header>, Violation> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
        if first & 0x70 != 0 || !matches!(opcode, CONTINUATION..=BINARY | CLOSE..=PONG) {
            return Err(Violation::Reserved);
        }
        if second & 0x80 == 0 {
            return Err(Violation::Unmasked);
        }
        let short = usize::from(second & 0x7f);
        let is_control = opcode >= CLOSE;
        if is_control && (!last || short > CONTROL_PAYLOAD_BYTES_MAX) {
            return Err(Violation::Control);
        }
        let (extended, payload_length) = match short {
            126 => match rest.first_chunk() {
                Some(medium) => (2, u64::from(u16::from_be_bytes(*medium))),
                None => return Ok(None),
            },
            127 => match rest.first_chunk() {
                Some(long) => (8, u64::from_be_bytes(*long)),
                None => return Ok(None),
            },
            short => (0, short as u64),
        };
        // Refused by its header alone: nothing is reserved for what a client merely claims.
        let room = self.message_bytes_max - self.fragments.as_ref().map_or(0, |f| f.payload.len());
        let payload_length = usize::try_from(payload_length).unwrap_or(usize::MAX);
        if !is_control && payload_length > room {
            return Err(Violation::TooBig);
        }
        let mask = rest.get(extended..).and_then(<[u8]>::first_chunk);
        Ok(mask.map(|mask| Header {
            last,
            opcode,
            mask: *mask,
            length: 2 + extended + 4,
            payload_length,
        }))
    }

    fn frame(
        &mut self,
        header: Header,
        payload: &[u8],
        hear: &mut impl FnMut(Message<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Violation> {
        match (header.opcode, self.fragments.is_some()) {
            (PING, _) => Ok(hear(Message::Ping(payload))),
            (PONG, _) => Ok(hear(Message::Pong)),
            (CLOSE, _) => Ok(hear(Message::Close(close_code(payload)?))),
            (CONTINUATION, false) | (TEXT | BINARY, true) => Err(Violation::Fragments),
            (opcode, false) if header.last => Ok(hear(message(opcode, payload)?)),
            (opcode, false) => {
                let payload = payload.to_vec();
                self.fragments = Some(Box::new(Fragments { opcode, payload }));
                Ok(ControlFlow::Continue(()))
            }
            (_, true) => self.continuation(header.last, payload, hear),
        }
    }

    fn continuation(
        &mut self,
        last: bool,
        payload: &[u8],
        hear: &mut impl FnMut(Message<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Violation> {
        let mut fragments = self.fragments.take().ok_or(Violation::Fragments)?;
        fragments.payload.extend_from_slice(payload);
        if last {
            return Ok(hear(message(fragments.opcode, &fragments.payload)?));
        }
        self.fragments = Some(fragments);
        Ok(ControlFlow::Continue(()))
    }
}

fn message(opcode: u8, payload: &[u8]) -> Result<Message<'_>, Violation> {
    if opcode == BINARY {
        return Ok(Message::Binary(payload));
    }
    let text = std::str::from_utf8(payload).map_err(|_| Violation::Utf8)?;
    Ok(Message::Text(text))
}

/// §7.4: which codes may be sent at all.
fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() {
            Ok(None)
        } else {
            Err(Violation::Close)
        };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::Close);
    }
    std::str::from_utf8(reason).map_err(|_| Violation::Utf8)?;
    Ok(Some(code))
}
