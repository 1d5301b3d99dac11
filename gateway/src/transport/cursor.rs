//! Where a client stands in all its channels, in one word: what Server-Sent Events call the id of an event, and a poll its
//! cursor. Opaque to clients.
//!
//! It says only where to go on, never what may be heard: permissions are checked anew wherever it is shown. So it is not
//! signed, but read with the same care as anything else from outside.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use shared::{
    ids::{GroupId, UserId},
    wire::{Channel, Epoch, Position},
};

use crate::session::CHANNELS_MAX;

/// Positions by channel, of channels with a log only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    positions: BTreeMap<Channel, Position>,
}

/// A text that is no cursor of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor: give back what you were given, as it is")]
pub(crate) struct InvalidCursor;

/// The first byte, so that the format can change.
const VERSION: u8 = 1;
/// Above what all channels of a connection can take, and below what a request's head may have.
const TEXT_BYTES_MAX: usize = 6 * 1024;
const VARINT_BYTES_MAX: u32 = 10;

impl Cursor {
    /// The client stands here.
    pub(crate) fn set(&mut self, channel: Channel, position: Position) {
        if channel.is_durable() {
            self.positions.insert(channel, position);
        }
    }

    /// The client does not hear this channel any more.
    pub(crate) fn forget(&mut self, channel: Channel) {
        self.positions.remove(&channel);
    }

    /// Whether it was taken before the other, or in an earlier life of the log.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        self.positions.iter().any(|(channel, own)| {
            let theirs = other.positions.get(channel);
            theirs.is_some_and(|theirs| own.epoch != theirs.epoch || own.offset < theirs.offset)
        })
    }

    /// Whether it says where this person's own channel stood; nobody hears another's.
    pub(crate) fn is_of(&self, user: UserId) -> bool {
        self.positions.contains_key(&Channel::User(user))
    }

    pub(crate) fn into_positions(self) -> BTreeMap<Channel, Position> {
        self.positions
    }

    /// As text: base64url of runs of channels that share an epoch, which is nearly always one run. Numbers are short where
    /// they are small: a few bytes a channel.
    pub(crate) fn encode(&self) -> String {
        let mut bytes = vec![VERSION];
        let mut epoch = None;
        for (channel, position) in &self.positions {
            let (kind, id) = match channel {
                Channel::User(id) => (KIND_USER, id.get()),
                Channel::Group(id) => (KIND_GROUP, id.get()),
                Channel::Post(_) | Channel::Broadcast | Channel::Node(_) => continue,
            };
            if epoch != Some(position.epoch) {
                epoch = Some(position.epoch);
                bytes.push(KIND_EPOCH);
                bytes.extend_from_slice(&position.epoch.to_bits().to_be_bytes());
            }
            bytes.push(kind);
            push_varint(&mut bytes, id.unsigned_abs());
            push_varint(&mut bytes, position.offset);
        }
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Cursor::encode`] wrote.
    pub(crate) fn decode(text: &str) -> Result<Self, InvalidCursor> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(InvalidCursor);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text);
        let bytes = bytes.map_err(|_| InvalidCursor)?;
        let rest = bytes.strip_prefix(&[VERSION]).ok_or(InvalidCursor)?;
        let positions = read_positions(rest).ok_or(InvalidCursor)?;
        if positions.len() > CHANNELS_MAX {
            return Err(InvalidCursor);
        }
        Ok(Self { positions })
    }
}

const KIND_EPOCH: u8 = 0;
const KIND_USER: u8 = 1;
const KIND_GROUP: u8 = 2;

fn read_positions(mut bytes: &[u8]) -> Option<BTreeMap<Channel, Position>> {
    let mut positions = BTreeMap::new();
    let mut epoch = None;
    while let Some((kind, rest)) = bytes.split_first() {
        bytes = rest;
        if *kind == KIND_EPOCH {
            let (bits, rest) = bytes.split_first_chunk()?;
            bytes = rest;
            epoch = Some(Epoch::from_bits(u64::from_be_bytes(*bits)));
            continue;
        }
        let id = i64::try_from(take_varint(&mut bytes)?).ok()?;
        let channel = match *kind {
            KIND_USER => Channel::User(UserId::new(id).ok()?),
            KIND_GROUP => Channel::Group(GroupId::new(id).ok()?),
            _ => return None,
        };
        let offset = take_varint(&mut bytes)?;
        let position = Position {
            epoch: epoch?,
            offset,
        };
        positions.insert(channel, position);
    }
    Some(positions)
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn push_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for index in 0..VARINT_BYTES_MAX {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let seven = u64::from(byte & 0x7f);
        let shifted = seven << (7 * index);
        if shifted >> (7 * index) != seven {
            return None;
        }
        number |= shifted;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_map, prelude::*};
    use shared::ids::ID_MAX;

    use super::*;

    fn channel() -> impl Strategy<Value = Channel> {
        let id = prop_oneof![1..300_i64, 1..=ID_MAX];
        let user = id
            .clone()
            .prop_map(|id| Channel::User(UserId::new(id).unwrap()));
        let group = id.prop_map(|id| Channel::Group(GroupId::new(id).unwrap()));
        prop_oneof![user, group]
    }

    fn position() -> impl Strategy<Value = Position> {
        let epoch = prop_oneof![Just(7), any::<u64>()];
        (epoch, any::<u64>()).prop_map(|(bits, offset)| Position {
            epoch: Epoch::from_bits(bits),
            offset,
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(positions in btree_map(channel(), position(), 0..CHANNELS_MAX / 2)) {
            let cursor = Cursor { positions };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
        }

        #[test]
        fn nothing_that_is_shown_does_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut ours = vec![VERSION];
            ours.extend(&bytes);
            for bytes in [bytes, ours] {
                let text = BASE64_URL_SAFE_NO_PAD.encode(bytes);
                if let Ok(cursor) = Cursor::decode(&text) {
                    prop_assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
                }
            }
        }
    }

    #[test]
    fn a_cursor_is_short() {
        let mut cursor = Cursor::default();
        let epoch = Epoch::from_bits(u64::MAX);
        let at = |offset| Position { epoch, offset };
        cursor.set(Channel::User(UserId::new(70_000).unwrap()), at(100_000));
        assert_eq!(cursor.encode().len(), 23);
        for id in 1..=200 {
            let group = GroupId::new(1_000_000 + id).unwrap();
            cursor.set(Channel::Group(group), at(1_000_000));
        }
        assert_eq!(cursor.encode().len(), 1890);
        cursor.set(Channel::Broadcast, at(1));
        cursor.forget(Channel::User(UserId::new(70_000).unwrap()));
        assert_eq!(cursor.positions.len(), 200);
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let long = "A".repeat(TEXT_BYTES_MAX + 1);
        for text in ["", "AQ==", "Ag", "AQE", "AQEBAQ", "AQAAAA", "?", &long] {
            assert_eq!(Cursor::decode(text), Err(InvalidCursor), "{text}");
        }
        assert_eq!(Cursor::decode("AQ"), Ok(Cursor::default()));
        // Too many channels, though short.
        let mut many = Cursor::default();
        for id in 1..=i64::try_from(CHANNELS_MAX).unwrap() + 1 {
            let position = Position {
                epoch: Epoch::from_bits(0),
                offset: 0,
            };
            many.set(Channel::Group(GroupId::new(id).unwrap()), position);
        }
        assert_eq!(Cursor::decode(&many.encode()), Err(InvalidCursor));
    }
}
