//! Memory that was needed for a while.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash},
};

/// A smaller table is not worth the trouble.
const KEPT_ENTRIES: usize = 1024;

/// Gives back what a table does not need any more, which it never does by itself. To be called after each removal: the table is
/// made smaller when three eighths of it are used or less, so that half as much has room for a third more.
pub fn give_back<K: Eq + Hash, V, S: BuildHasher>(table: &mut HashMap<K, V, S>) {
    let room = table.capacity();
    if room > KEPT_ENTRIES && table.len() <= room / 8 * 3 {
        table.shrink_to(room / 2);
    }
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
            give_back(&mut table);
            // A place that is not used again counts for a while, so it may also be one less.
            if table.capacity() + 1 < before {
                steps += 1;
                assert!(
                    table.capacity() >= table.len() / 4 * 5,
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
}
