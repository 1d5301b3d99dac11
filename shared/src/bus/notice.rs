//! What travels over Pub/Sub beside events: word that a channel's head was moved by something other than an event.
//!
//! Whoever moves a head says so, with the event or with a notice. Otherwise the relay, which compares heads, would take a
//! committed event for published that no subscriber has heard of.

use bytes::Bytes;

use super::head::{parse_head, spell_head};
use crate::wire::Position;

const START: &[u8] = b"n1 ";

/// The bytes of a notice: `n1 <epoch> <offset>`. No event starts like this.
pub(super) fn notice(head: Position) -> Vec<u8> {
    [START, spell_head(head).as_bytes()].concat()
}

/// The head that a notice tells of; `None` when the payload is not a notice.
pub(super) fn parse_notice(payload: &Bytes) -> Option<Position> {
    let head = payload.strip_prefix(START)?;
    parse_head(std::str::from_utf8(head).ok()?)
}
