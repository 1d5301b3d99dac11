//! Several packets in one body, and the frames that they are on the other side.

use base64::{Engine, prelude::BASE64_STANDARD};

/// Between packets.
pub(crate) const SEPARATOR: char = '\u{1e}';
/// FIN with the opcode.
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const MASKED: u8 = 0x80;
/// Two, or eight, bytes of length follow.
const MEDIUM: u8 = MASKED | 0x7e;
const LONG: u8 = MASKED | 0x7f;

/// A body that is no list of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no payload of Engine.IO")]
pub(crate) struct InvalidPayload;

/// A client's frames for what it has posted. Their mask is zero: nothing is between us and ourselves.
pub(crate) fn to_frames(body: &str) -> Result<Vec<u8>, InvalidPayload> {
    let mut frames = Vec::with_capacity(body.len() + 16);
    for packet in body.split(SEPARATOR) {
        match packet.as_bytes() {
            [b'b', base64 @ ..] => {
                let bytes = BASE64_STANDARD.decode(base64).map_err(|_| InvalidPayload)?;
                push(&mut frames, BINARY, &bytes);
            }
            [b'0'..=b'6', ..] => push(&mut frames, TEXT, packet.as_bytes()),
            _ => return Err(InvalidPayload),
        }
    }
    Ok(frames)
}

/// Whether one of its packets is the client's goodbye.
pub(super) fn says_goodbye(body: &str) -> bool {
    body.split(SEPARATOR).any(|packet| packet == "1")
}

/// The code of the close frame among whole frames of ours, if there is one.
pub(super) fn close_code(mut bytes: &[u8]) -> Option<u16> {
    while let Some((first_byte, payload, end)) = first_frame(bytes) {
        if first_byte == CLOSE {
            return payload.first_chunk().copied().map(u16::from_be_bytes);
        }
        bytes = &bytes[end..];
    }
    None
}

fn push(frames: &mut Vec<u8>, first_byte: u8, payload: &[u8]) {
    frames.push(first_byte);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ 0..=125), _) => frames.push(MASKED | short),
        (_, Ok(medium)) => {
            frames.push(MEDIUM);
            frames.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            frames.push(LONG);
            frames.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frames.extend_from_slice(&[0; 4]);
    frames.extend_from_slice(payload);
}

/// The packets of one answer.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    pub(crate) body: String,
    /// The connection has said goodbye.
    pub(crate) is_last: bool,
}

impl Packets {
    /// Takes whole frames from the buffer, as many as an answer may have; at least one, if there is one. A goodbye has an
    /// answer to itself: the library heeds it before it hands on what came along, such as the end of the namespace.
    pub(crate) fn take(buffer: &mut Vec<u8>, bytes_max: usize) -> Self {
        let mut packets = Self::default();
        let mut taken = 0;
        while let Some((first_byte, payload, end)) = first_frame(&buffer[taken..]) {
            let has_room = first_byte != CLOSE && packets.body.len() + payload.len() <= bytes_max;
            if !packets.body.is_empty() && !has_room {
                break;
            }
            match first_byte {
                TEXT => packets.push(&String::from_utf8_lossy(payload)),
                BINARY => packets.push(&format!("b{}", BASE64_STANDARD.encode(payload))),
                CLOSE => {
                    packets.push("1");
                    packets.is_last = true;
                }
                // Nobody here asks for, or answers to, pings of WebSockets.
                _ => {}
            }
            taken += end;
        }
        buffer.drain(..taken);
        packets
    }

    pub(super) fn push(&mut self, packet: &str) {
        if !self.body.is_empty() {
            self.body.push(SEPARATOR);
        }
        self.body.push_str(packet);
    }
}

/// First byte, payload and length of a whole frame of ours.
fn first_frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (header, length) = match bytes {
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        [_, 127, rest @ ..] => {
            let length = u64::from_be_bytes(*rest.first_chunk()?);
            (10, usize::try_from(length).ok()?)
        }
        [_, 126, ..] | [] | [_] => return None,
        [_, length, ..] => (2, usize::from(*length)),
    };
    let end = header + length;
    let payload = bytes.get(header..end)?;
    Some((bytes[0], payload, end))
}
