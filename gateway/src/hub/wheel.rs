//! One timer for all connections of a shard.
//!
//! A connection lies in exactly one slot, of a second or so. Activity never touches the wheel: when the slot comes up, the
//! connection says when it wants to be looked at next, and is filed again.

use super::entries::Key;

/// Slots; whoever wants to sleep longer is woken in between, and filed again.
const SLOTS: u64 = 64;

#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Vec<Vec<Key>>,
    slot_ms: u64,
    /// The slot that was taken last, counted from the start.
    taken: u64,
}

impl Wheel {
    pub(crate) fn new(slot_ms: u64) -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            slot_ms,
            taken: 0,
        }
    }

    /// Wakes this connection at `at_ms`, or up to one slot later.
    pub(crate) fn file(&mut self, key: Key, at_ms: u64) {
        let slot = at_ms.div_ceil(self.slot_ms);
        let slot = slot.clamp(self.taken + 1, self.taken + SLOTS - 1);
        self.slot(slot).push(key);
    }

    /// Moves to `now_ms`, and takes the connections of one slot that has come up, until none is left.
    pub(crate) fn take(&mut self, now_ms: u64) -> Option<Vec<Key>> {
        while self.taken < now_ms / self.slot_ms {
            self.taken += 1;
            let taken = self.taken;
            let keys = std::mem::take(self.slot(taken));
            if !keys.is_empty() {
                return Some(keys);
            }
        }
        None
    }

    fn slot(&mut self, number: u64) -> &mut Vec<Key> {
        let index = usize::try_from(number % SLOTS).unwrap_or(0);
        &mut self.slots[index]
    }
}
