//! Memory that was needed for a while.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, Hash},
};

use indexmap::IndexMap;

/// What has room for less is not worth the trouble.
const KEPT_ENTRIES: usize = 1024;

/// What keeps the room that it once needed, unless it is told to give it back.
pub trait GiveBack {
    /// To be called after each removal: when seven sixteenths of the room are used or less, what remains is for an eighth more than
    /// is used. A table twice as large as it need be is made smaller, and not again before an eighth have come or gone.
    fn give_back(&mut self);
}

impl<K: Eq + Hash, V, S: BuildHasher> GiveBack for HashMap<K, V, S> {
    fn give_back(&mut self) {
        if let Some(less) = less(self.capacity(), self.len()) {
            self.shrink_to(less);
        }
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> GiveBack for IndexMap<K, V, S> {
    fn give_back(&mut self) {
        if let Some(less) = less(self.capacity(), self.len()) {
            self.shrink_to(less);
        }
    }
}

impl<T> GiveBack for VecDeque<T> {
    fn give_back(&mut self) {
        if let Some(less) = less(self.capacity(), self.len()) {
            self.shrink_to(less);
        }
    }
}

impl<T> GiveBack for Vec<T> {
    fn give_back(&mut self) {
        if let Some(less) = less(self.capacity(), self.len()) {
            self.shrink_to(less);
        }
    }
}

/// The room that is enough, if it is a good deal less.
fn less(room: usize, used: usize) -> Option<usize> {
    let is_too_much = room > KEPT_ENTRIES && used <= room / 16 * 7;
    is_too_much.then_some((used + used / 8).max(KEPT_ENTRIES / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_follows_what_is_in_it_and_not_each_step() {
        let mut table: HashMap<u32, u32> = (0..20_000).map(|number| (number, 0)).collect();
        let most = table.capacity();
        let mut steps = 0;
        for number in (10_000..20_000).chain(0..10_000) {
            let before = table.capacity();
            table.remove(&number);
            table.give_back();
            // A place that is not used again counts for a while, so it may also be one less.
            if table.capacity() + 1 < before {
                steps += 1;
                assert!(
                    table.capacity() >= table.len() / 8 * 9,
                    "room for who comes next"
                );
            }
            if table.len() == 10_000 {
                assert!(table.capacity() <= most / 2);
            }
        }
        assert!(table.capacity() <= KEPT_ENTRIES, "{}", table.capacity());
        assert!((4..=6).contains(&steps), "{steps} times smaller");
    }

    #[test]
    fn a_queue_that_is_worked_off_at_once_is_small_at_once() {
        let mut queue: VecDeque<u32> = (0..20_000).collect();
        queue.drain(..11_000);
        queue.give_back();
        assert!(queue.capacity() >= 20_000, "it may come again");
        queue.drain(..8_000);
        queue.give_back();
        assert!((1_125..=2_000).contains(&queue.capacity()));
        queue.clear();
        queue.give_back();
        assert!(queue.capacity() <= KEPT_ENTRIES);
        assert!(queue.is_empty());
    }
}
