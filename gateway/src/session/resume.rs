//! Where a client says it stands: in its first frame, in `?resume=`, or in a `sync` command.

use std::{borrow::Cow, collections::BTreeMap};

use shared::{
    membership::GROUPS_MAX,
    wire::{Channel, Position, said::Sync},
};

/// Positions by channel, and the names that are not channels at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Resume {
    pub(crate) positions: BTreeMap<Channel, Position>,
    pub(crate) unknown: Vec<String>,
}

/// Not an object of channels with positions, or too many of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "positions are {{\"<channel>\": {{\"epoch\": \"<16 hexadecimal digits>\", \"offset\": <number>}}}}, at most 208"
)]
pub(crate) struct InvalidResume;

/// More channels than a connection can hear.
pub(crate) const CHANNELS_MAX: usize = GROUPS_MAX + 8;
/// A longer name is no channel, and would come back in an error.
const NAME_BYTES_MAX: usize = 64;

impl Resume {
    /// Reads `{channel: {epoch, offset}}`.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, InvalidResume> {
        let positions: BTreeMap<Cow<'_, str>, Position> =
            serde_json::from_slice(json).map_err(|_| InvalidResume)?;
        if positions.len() > CHANNELS_MAX {
            return Err(InvalidResume);
        }
        let mut resume = Self::default();
        for (name, position) in positions {
            match name.parse() {
                Ok(channel) => drop(resume.positions.insert(channel, position)),
                Err(_) if name.len() <= NAME_BYTES_MAX => resume.unknown.push(name.into_owned()),
                Err(_) => return Err(InvalidResume),
            }
        }
        Ok(resume)
    }
}

/// The `channels` of a `sync` command.
pub(super) fn parse_sync(frame: &[u8]) -> Result<Resume, InvalidResume> {
    let sync: Sync<'_> = serde_json::from_slice(frame).map_err(|_| InvalidResume)?;
    Resume::parse(sync.channels.get().as_bytes())
}
