//! Who has what, at one moment.

use super::{
    Server,
    hashing::{SLOTS, jump, slot},
};

/// No server has the slot.
const NOBODY: u16 = u16::MAX;

/// Servers, and how keys are spread over them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::bus) struct Layout {
    servers: Vec<Server>,
    /// The server of each slot by its index; empty where keys are hashed over the list of servers.
    slots: Vec<u16>,
}

impl Layout {
    /// Keys spread over a list of servers by consistent hashing. The order of the list counts.
    pub(super) fn hashed(servers: Vec<Server>) -> Self {
        Self {
            servers,
            slots: Vec::new(),
        }
    }

    /// A cluster that has no slots yet.
    pub(super) fn without_slots() -> Self {
        Self {
            servers: Vec::new(),
            slots: vec![NOBODY; usize::from(SLOTS)],
        }
    }

    pub(in crate::bus) fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// The index of the server that has a key; `None` where nobody has it now.
    pub(in crate::bus) fn owner(&self, key: &[u8]) -> Option<usize> {
        if self.slots.is_empty() {
            return jump(key, self.servers.len());
        }
        let index = *self.slots.get(usize::from(slot(key)))?;
        (index != NOBODY).then(|| usize::from(index))
    }

    /// The same with a slot given to another server. Servers that have nothing left stay until the next look.
    pub(super) fn with_slot(&self, slot: u16, server: Server) -> Self {
        let mut changed = self.clone();
        changed.give(slot, server);
        changed
    }

    pub(super) fn give(&mut self, slot: u16, server: Server) {
        let known = self.servers.iter().position(|known| *known == server);
        let index = known.unwrap_or_else(|| {
            self.servers.push(server);
            self.servers.len() - 1
        });
        if let (Some(owner), Ok(index)) =
            (self.slots.get_mut(usize::from(slot)), u16::try_from(index))
        {
            *owner = index;
        }
    }
}
