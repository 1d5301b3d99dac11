//! Several objects as one message, for clients of `hubbub.v1.nd`.
//!
//! The frames that wait were made to go alone, and are shared with whoever else gets them. Here they keep their payloads as
//! they are, and get something else before them: the header of the whole, or what separates them. Compressed ones too:
//! each ends with a byte and refers to nothing before it, so it stands in a longer stream as it is; what is plain goes there as
//! a stored block (RFC 1951 §3.2.4).

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use smallvec::SmallVec;

use super::{
    deflate::{COMPRESSED, TAIL},
    frame,
};

/// Objects in a message: with what goes before each, they are one system call.
pub(crate) const OBJECTS_MAX: usize = 32;
/// Bytes in a message of several objects, as they are sent. A longer object goes alone.
pub(crate) const BYTES_MAX: usize = 32 * 1024;

const SEPARATOR: &[u8] = b"\n";
/// The beginning of a block that is neither stored nor the last: after a stored block, what the receiver appends needs one.
const BLOCK_BEGUN: u8 = 0;

/// What goes before an object: a header, or what separates it from the one before.
pub(crate) type Lead = SmallVec<[u8; 16]>;

/// How many of these frames go out as one message: at least the first.
pub(crate) fn together<'a>(frames: impl Iterator<Item = &'a Bytes>) -> usize {
    let mut bytes = 0;
    let fitting = frames.take(OBJECTS_MAX).take_while(|frame| {
        bytes += frame.len();
        bytes <= BYTES_MAX && is_text(frame)
    });
    fitting.count().max(1)
}

/// Takes the headers off these frames, as many as go [`together`]. Returns what goes before each of them instead.
pub(crate) fn join(frames: &mut [&mut Bytes]) -> VecDeque<Lead> {
    if let [_] = frames {
        return [Lead::new()].into();
    }
    let compressed = frames.iter().any(|frame| is_compressed(frame));
    let mut length = 0;
    let mut after_compressed = false;
    let mut leads = VecDeque::with_capacity(frames.len());
    for (index, frame) in frames.iter_mut().enumerate() {
        let separator: &[u8] = if index == 0 { &[] } else { SEPARATOR };
        let is_compressed = is_compressed(frame);
        frame.advance(frame::header_length(frame));
        let mut lead = Lead::new();
        if compressed {
            if after_compressed {
                lead.extend_from_slice(TAIL);
            }
            let plain = if is_compressed { 0 } else { frame.len() };
            lead.extend_from_slice(&stored(separator.len() + plain));
        }
        lead.extend_from_slice(separator);
        length += lead.len() + frame.len();
        leads.push_back(lead);
        after_compressed = is_compressed;
    }
    if compressed && !after_compressed {
        length += end_stored(frames);
    }
    if let Some(first) = leads.front_mut() {
        let first_byte = frame::TEXT | if compressed { COMPRESSED } else { 0 };
        first.insert_many(0, frame::header(first_byte, length));
    }
    leads
}

/// What goes before so many bytes in a compressed message, to stand there as they are.
fn stored(length: usize) -> SmallVec<[u8; 5]> {
    if length == 0 {
        return SmallVec::new();
    }
    let length = u16::try_from(length).expect("a message of several objects is shorter");
    let [low, high] = length.to_le_bytes();
    SmallVec::from_buf([0, low, high, !low, !high])
}

/// Ends a message whose last object is stored; by copying that, which is short or is not worth compressing. Returns by how many
/// bytes it is longer.
fn end_stored(frames: &mut [&mut Bytes]) -> usize {
    if let Some(last) = frames.last_mut() {
        **last = [&last[..], &[BLOCK_BEGUN]].concat().into();
    }
    1
}

fn is_text(frame: &[u8]) -> bool {
    frame
        .first()
        .is_some_and(|first| first & !COMPRESSED == frame::TEXT)
}

fn is_compressed(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & COMPRESSED != 0)
}

#[cfg(test)]
mod tests;
