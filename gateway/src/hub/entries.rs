//! A shard's connections by name.

use slab::Slab;

use super::connection::Connection;

/// A connection's name on its shard. Never used again: an answer that comes after the connection's end finds nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    /// As the subscriber hands it back.
    pub(super) fn to_token(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    pub(super) fn from_token(token: u64) -> Self {
        Self {
            index: token as u32,
            generation: (token >> 32) as u32,
        }
    }
}

struct Entry {
    generation: u32,
    connection: Connection,
}

#[derive(Default)]
pub(super) struct Entries {
    slab: Slab<Entry>,
    generation: u32,
}

impl Entries {
    pub(super) fn insert(&mut self, connection: Connection) -> Key {
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let index = self.slab.insert(Entry {
            generation,
            connection,
        });
        Key {
            index: u32::try_from(index).expect("fewer connections than descriptors"),
            generation,
        }
    }

    pub(super) fn get(&mut self, key: Key) -> Option<&mut Connection> {
        let entry = self.slab.get_mut(key.index as usize)?;
        (entry.generation == key.generation).then_some(&mut entry.connection)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Connection> {
        self.get(key)?;
        Some(self.slab.remove(key.index as usize).connection)
    }

    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Connection)> {
        self.slab.iter().map(|(index, entry)| {
            let key = Key {
                index: u32::try_from(index).unwrap_or(u32::MAX),
                generation: entry.generation,
            };
            (key, &entry.connection)
        })
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.iter().map(|(key, _)| key)
    }
}
