//! Frames that a server sends (RFC 6455 §5.2): never masked, never fragmented.

use bytes::Bytes;
use shared::wire::CloseReason;
use smallvec::SmallVec;

/// A complete frame: header and payload, ready for the socket. Clones share the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame(Bytes);

/// FIN with the opcode.
pub(super) const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

const HEADER_BYTES_MAX: usize = 10;

impl Frame {
    /// A text frame.
    pub(crate) fn text(payload: &[u8]) -> Self {
        Self::build(TEXT, &[payload])
    }

    /// A text frame whose payload comes in parts, so that each is copied once.
    pub(crate) fn text_of(parts: &[&[u8]]) -> Self {
        Self::build(TEXT, parts)
    }

    /// A text frame of JSON in parts, on one line: what ends lines in JSON stands between tokens, where a space does as well.
    pub(crate) fn line_of(parts: &[&[u8]]) -> Self {
        let (mut frame, header) = assemble(TEXT, parts);
        for byte in &mut frame[header..] {
            if matches!(*byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        Self(frame.into())
    }

    /// A binary frame.
    pub(crate) fn binary(payload: &[u8]) -> Self {
        Self::build(BINARY, &[payload])
    }

    /// A close frame with our reason text.
    pub(crate) fn close(reason: CloseReason, retry_after_ms: Option<u64>) -> Self {
        let text = reason.text(retry_after_ms);
        Self::build(CLOSE, &[&reason.code().to_be_bytes(), text.as_bytes()])
    }

    /// The answer to a close frame: the same code, or none where there was none.
    pub(crate) fn close_echo(code: Option<u16>) -> Self {
        let code = code.map(u16::to_be_bytes);
        Self::build(CLOSE, &[code.as_ref().map_or(&[][..], |code| code)])
    }

    /// A ping that says when it was made, on the clock of its shard.
    pub(crate) fn ping(now_ms: u64) -> Self {
        Self::build(PING, &[&now_ms.to_be_bytes()])
    }

    /// The answer to a ping: its payload, of at most 125 bytes.
    pub(crate) fn pong(payload: &[u8]) -> Self {
        Self::build(PONG, &[payload])
    }

    /// Header and payload.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The same in bytes of its own.
    pub(super) fn apart(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// Whether it carries data; if not, it controls the connection.
    pub(crate) fn is_data(&self) -> bool {
        matches!(self.first_byte(), TEXT | BINARY)
    }

    pub(super) fn first_byte(&self) -> u8 {
        self.0[0]
    }

    /// What follows the header.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.0[header_length(&self.0)..]
    }

    /// The same as [`Frame::payload`], shared.
    pub(crate) fn payload_bytes(&self) -> Bytes {
        self.0.slice_ref(self.payload())
    }

    pub(super) fn build(first_byte: u8, parts: &[&[u8]]) -> Self {
        Self(assemble(first_byte, parts).0.into())
    }
}

/// Header and payload, and how long the header is.
fn assemble(first_byte: u8, parts: &[&[u8]]) -> (Vec<u8>, usize) {
    let length = parts.iter().map(|part| part.len()).sum();
    let header = header(first_byte, length);
    let mut frame = Vec::with_capacity(header.len() + length);
    frame.extend_from_slice(&header);
    for part in parts {
        frame.extend_from_slice(part);
    }
    (frame, header.len())
}

/// An unmasked frame's header, with the shortest of the three spellings of its payload's length, as §5.2 demands.
pub(super) fn header(first_byte: u8, length: usize) -> SmallVec<[u8; HEADER_BYTES_MAX]> {
    let mut header = SmallVec::new();
    header.push(first_byte);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=125), _) => header.push(short),
        (_, Ok(medium)) => {
            header.push(126);
            header.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            header.push(127);
            header.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    header
}

/// Of a frame that a server made.
pub(super) fn header_length(frame: &[u8]) -> usize {
    match frame[1] {
        126 => 4,
        127 => HEADER_BYTES_MAX,
        _ => 2,
    }
}
