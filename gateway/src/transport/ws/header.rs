//! The header of a client's frame (RFC 6455 §5.2), checked as far as it has come.

use super::Violation;

const FIN: u8 = 0x80;
/// RSV1, as RFC 7692 uses it.
const COMPRESSED: u8 = 0x40;
const RESERVED: u8 = 0x30;
const OPCODE: u8 = 0x0f;
/// Of the second byte.
const MASKED: u8 = 0x80;

const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

const CONTROL_PAYLOAD_BYTES_MAX: usize = 125;
pub(super) const MASK_BYTES: usize = 4;

/// A frame's header, once it is complete.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) last: bool,
    pub(super) compressed: bool,
    pub(super) opcode: u8,
    pub(super) mask: [u8; MASK_BYTES],
    /// Bytes of the header itself.
    pub(super) length: usize,
    pub(super) payload_length: usize,
}

/// What may come now, besides control frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    /// The next fragment of a message; if not, the first of one.
    pub(super) continuation: bool,
    /// Whether compression was agreed upon.
    pub(super) compressed: bool,
}

impl Header {
    /// The header at the front; `None` while it is incomplete. A violation is told by the first byte that shows it.
    /// `room` is how many bytes a data frame may have, if it is compressed or if it is not.
    pub(super) fn read(
        bytes: &[u8],
        expected: Expected,
        room: impl FnOnce(bool) -> usize,
    ) -> Result<Option<Self>, Violation> {
        let [first, second, rest @ ..] = bytes else {
            return match bytes {
                [first] => check_first(*first, expected).map(|()| None),
                _ => Ok(None),
            };
        };
        check_first(*first, expected)?;
        let (last, compressed, opcode) =
            (first & FIN != 0, first & COMPRESSED != 0, first & OPCODE);
        if second & MASKED == 0 {
            return Err(Violation::Unmasked);
        }
        let short = usize::from(second & !MASKED);
        let is_control = opcode >= CLOSE;
        if is_control && (!last || short > CONTROL_PAYLOAD_BYTES_MAX) {
            return Err(Violation::Control);
        }
        if !is_control && (opcode == CONTINUATION) != expected.continuation {
            return Err(Violation::Fragments);
        }
        let Some((extended, payload_length)) = payload_length(short, rest) else {
            return Ok(None);
        };
        // Refused by its header alone: nothing is reserved for what a client merely claims.
        if !is_control && payload_length > room(compressed) {
            return Err(Violation::TooBig);
        }
        let mask = rest.get(extended..).and_then(<[u8]>::first_chunk);
        Ok(mask.map(|mask| Self {
            last,
            compressed,
            opcode,
            mask: *mask,
            length: 2 + extended + MASK_BYTES,
            payload_length,
        }))
    }

    pub(super) fn is_control(&self) -> bool {
        self.opcode >= CLOSE
    }
}

fn check_first(first: u8, expected: Expected) -> Result<(), Violation> {
    let opcode = first & OPCODE;
    if first & RESERVED != 0 || !matches!(opcode, CONTINUATION..=BINARY | CLOSE..=PONG) {
        return Err(Violation::Reserved);
    }
    // RFC 7692 §6: only a message's first frame says so, and only where it was agreed.
    if first & COMPRESSED != 0 && !(expected.compressed && matches!(opcode, TEXT | BINARY)) {
        return Err(Violation::Reserved);
    }
    Ok(())
}

/// How many bytes after the second tell the payload's length, and what they tell; `None` while they are not there.
fn payload_length(short: usize, rest: &[u8]) -> Option<(usize, usize)> {
    Some(match short {
        126 => (2, usize::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => {
            let long = u64::from_be_bytes(*rest.first_chunk()?);
            (8, usize::try_from(long).unwrap_or(usize::MAX))
        }
        short => (0, short),
    })
}
