//! Frames from clients (RFC 6455 §5), read incrementally.
//!
//! Bytes come in whatever pieces the network made. A frame that is there whole is read where it lies, in the shard's
//! scratch buffer; only an incomplete message is copied aside, and the copy is given back as soon as it is complete. So
//! an idle connection holds nothing, and there is no half-done read that a cancelled task could lose.

use std::ops::ControlFlow;

use shared::wire::CloseReason;

use super::{
    header::{BINARY, Expected, Header, MASK_BYTES, PING, PONG, TEXT},
    inflate::Inflater,
    utf8::Utf8,
};

/// What a client said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    Ping(&'a [u8]),
    Pong(&'a [u8]),
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
    #[error("a compressed message cannot be inflated")]
    Deflate,
    #[error("the message is too large")]
    TooBig,
}

impl Violation {
    /// The close code that it deserves.
    pub(crate) fn close_reason(self) -> CloseReason {
        match self {
            Self::Utf8 => CloseReason::InvalidUtf8,
            Self::TooBig => CloseReason::TooBig,
            Self::Unmasked
            | Self::Reserved
            | Self::Control
            | Self::Fragments
            | Self::Close
            | Self::Deflate => CloseReason::ProtocolError,
        }
    }
}

/// A message that is not there whole, as far as it came.
#[derive(Debug)]
struct Partial {
    opcode: u8,
    compressed: bool,
    payload: Vec<u8>,
    text: Utf8,
    /// `None` between two of its frames.
    frame: Option<Unfinished>,
}

/// A data frame whose payload is still coming.
#[derive(Debug, Clone, Copy)]
struct Unfinished {
    last: bool,
    /// The next byte's mask first.
    mask: [u8; MASK_BYTES],
    /// Bytes that are missing.
    left: usize,
}

/// What a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of a message, however many frames it comes in, and also when it was compressed.
    pub(crate) message_bytes_max: usize,
    /// Whether compressed messages were agreed upon.
    pub(crate) compressed: bool,
}

/// Reads one connection's frames.
#[derive(Debug)]
pub(crate) struct Parser {
    /// As in [`Limits`], in less room: there is one for every connection.
    message_bytes_max: u32,
    compressed: bool,
    /// The beginning of a header or of a control frame, or what nobody wanted to hear yet; as it came.
    unread: Vec<u8>,
    partial: Option<Box<Partial>>,
}

impl Parser {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            message_bytes_max: u32::try_from(limits.message_bytes_max).unwrap_or(u32::MAX),
            compressed: limits.compressed,
            unread: Vec::new(),
            partial: None,
        }
    }

    /// Takes the next bytes and hands every complete message to `hear`, which may stop it: then the rest is kept. After a
    /// violation nothing more may be fed.
    pub(crate) fn feed(
        &mut self,
        bytes: &mut [u8],
        inflater: &mut Inflater,
        mut hear: impl FnMut(Message<'_>) -> ControlFlow<()>,
    ) -> Result<(), Violation> {
        if self.unread.is_empty() {
            let consumed = self.frames(bytes, inflater, &mut hear)?;
            self.unread.extend_from_slice(&bytes[consumed..]);
        } else {
            let mut all = std::mem::take(&mut self.unread);
            all.extend_from_slice(bytes);
            let consumed = self.frames(&mut all, inflater, &mut hear)?;
            if consumed < all.len() {
                all.drain(..consumed);
                self.unread = all;
            }
        }
        Ok(())
    }

    /// The bytes after the last message that was heard.
    pub(crate) fn into_rest(self) -> Vec<u8> {
        self.unread
    }

    /// Bytes that are held for what is not complete.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.unread.len() + self.partial.as_ref().map_or(0, |p| p.payload.len())
    }

    /// Reads what is at the front; returns its length.
    fn frames(
        &mut self,
        bytes: &mut [u8],
        inflater: &mut Inflater,
        hear: &mut impl FnMut(Message<'_>) -> ControlFlow<()>,
    ) -> Result<usize, Violation> {
        let mut consumed = 0;
        while consumed < bytes.len() {
            let rest = &mut bytes[consumed..];
            if self.is_within_frame() {
                let (taken, next) = self.more(rest, inflater, hear)?;
                consumed += taken;
                if next.is_break() {
                    break;
                }
                continue;
            }
            let Some(header) = self.header(rest)? else {
                break;
            };
            let payload = &mut rest[header.length..];
            let (taken, next) = if !header.is_control() {
                self.data(header, payload, inflater, hear)?
            } else if let Some(payload) = payload.get_mut(..header.payload_length) {
                fastwebsockets::unmask(payload, header.mask);
                (payload.len(), hear(control(header.opcode, payload)?))
            } else {
                break;
            };
            consumed += header.length + taken;
            if next.is_break() {
                break;
            }
        }
        Ok(consumed)
    }

    fn is_within_frame(&self) -> bool {
        let partial = self.partial.as_ref();
        partial.is_some_and(|partial| partial.frame.is_some())
    }

    /// The header at the front, checked; `None` while it is incomplete.
    fn header(&self, bytes: &[u8]) -> Result<Option<Header>, Violation> {
        let expected = Expected {
            continuation: self.partial.is_some(),
            compressed: self.compressed,
        };
        Header::read(bytes, expected, |compressed| self.room(compressed))
    }

    fn message_bytes_max(&self) -> usize {
        usize::try_from(self.message_bytes_max).unwrap_or(usize::MAX)
    }

    /// Bytes that the message may still have on the wire.
    fn room(&self, compressed: bool) -> usize {
        let limit = self.message_bytes_max();
        let compressed_max = limit.saturating_add(limit / 8).saturating_add(64);
        match &self.partial {
            // What does not compress grows a little; by no more than this (zlib's `deflateBound`).
            None if compressed => compressed_max,
            None => limit,
            Some(partial) if partial.compressed => compressed_max - partial.payload.len(),
            Some(partial) => limit - partial.payload.len(),
        }
    }

    /// A data frame, of whose payload `available` is there already. Returns how much of that was its own.
    fn data(
        &mut self,
        header: Header,
        available: &mut [u8],
        inflater: &mut Inflater,
        hear: &mut impl FnMut(Message<'_>) -> ControlFlow<()>,
    ) -> Result<(usize, ControlFlow<()>), Violation> {
        let Header { last, mask, .. } = header;
        if self.partial.is_none()
            && last
            && let Some(payload) = available.get_mut(..header.payload_length)
        {
            fastwebsockets::unmask(payload, mask);
            let limit = self.message_bytes_max();
            let whole = message(header.opcode, header.compressed, payload, inflater, limit)?;
            return Ok((payload.len(), hear(whole)));
        }
        let partial = self.partial.get_or_insert_with(|| {
            Box::new(Partial {
                opcode: header.opcode,
                compressed: header.compressed,
                payload: Vec::new(),
                text: Utf8::default(),
                frame: None,
            })
        });
        partial.frame = Some(Unfinished {
            last,
            mask,
            left: header.payload_length,
        });
        self.more(available, inflater, hear)
    }

    /// The payload goes on. Returns how much of `available` it took.
    fn more(
        &mut self,
        available: &mut [u8],
        inflater: &mut Inflater,
        hear: &mut impl FnMut(Message<'_>) -> ControlFlow<()>,
    ) -> Result<(usize, ControlFlow<()>), Violation> {
        let Some(mut partial) = self.partial.take() else {
            return Err(Violation::Fragments);
        };
        let (taken, is_complete) = partial.take(available)?;
        if !is_complete {
            self.partial = Some(partial);
            return Ok((taken, ControlFlow::Continue(())));
        }
        let Partial {
            opcode,
            compressed,
            payload,
            ..
        } = &*partial;
        let limit = self.message_bytes_max();
        let whole = message(*opcode, *compressed, payload, inflater, limit)?;
        Ok((taken, hear(whole)))
    }
}

impl Partial {
    /// Takes what belongs to the frame in hand; says how much that was, and whether the message is complete.
    fn take(&mut self, available: &mut [u8]) -> Result<(usize, bool), Violation> {
        let Some(frame) = &mut self.frame else {
            return Ok((0, false));
        };
        let count = frame.left.min(available.len());
        let bytes = &mut available[..count];
        fastwebsockets::unmask(bytes, frame.mask);
        frame.mask.rotate_left(count % MASK_BYTES);
        frame.left -= count;
        if self.opcode == TEXT && !self.compressed {
            self.text.check(bytes)?;
        }
        self.payload.extend_from_slice(bytes);
        let is_complete = frame.left == 0 && frame.last;
        if frame.left == 0 {
            self.frame = None;
        }
        Ok((count, is_complete))
    }
}

fn control(opcode: u8, payload: &[u8]) -> Result<Message<'_>, Violation> {
    Ok(match opcode {
        PING => Message::Ping(payload),
        PONG => Message::Pong(payload),
        _ => Message::Close(close_code(payload)?),
    })
}

fn message<'a>(
    opcode: u8,
    compressed: bool,
    payload: &'a [u8],
    inflater: &'a mut Inflater,
    bytes_max: usize,
) -> Result<Message<'a>, Violation> {
    let payload = if compressed {
        inflater.inflate(payload, bytes_max)?
    } else {
        payload
    };
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
