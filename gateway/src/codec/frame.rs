//! Frames that a server sends (RFC 6455 §5.2): never masked, never fragmented.

use bytes::Bytes;
use shared::wire::CloseReason;

/// A complete frame: header and payload, ready for the socket. Clones share the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame(Bytes);

/// FIN with the opcode.
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

impl Frame {
    /// The longest header of an unmasked frame.
    const HEADER_BYTES_MAX: usize = 10;

    /// A text frame.
    pub(crate) fn text(payload: &[u8]) -> Self {
        Self::build(TEXT, &[payload])
    }

    /// A text frame whose payload comes in parts, so that each is copied once.
    pub(crate) fn text_of(parts: &[&[u8]]) -> Self {
        Self::build(TEXT, parts)
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

    /// A ping without payload.
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
        let header = match self.0[1] {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        &self.0[header..]
    }

    /// The same as [`Frame::payload`], shared.
    pub(crate) fn payload_bytes(&self) -> Bytes {
        self.0.slice_ref(self.payload())
    }

    pub(super) fn build(first_byte: u8, parts: &[&[u8]]) -> Self {
        let length = parts.iter().map(|part| part.len()).sum();
        let mut frame = Vec::with_capacity(Self::HEADER_BYTES_MAX + length);
        frame.push(first_byte);
        push_length(&mut frame, length);
        for part in parts {
            frame.extend_from_slice(part);
        }
        Self(frame.into())
    }
}

/// The shortest of the three spellings, as §5.2 demands.
fn push_length(frame: &mut Vec<u8>, length: usize) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=125), _) => frame.push(short),
        (_, Ok(medium)) => {
            frame.push(126);
            frame.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}
