//! A shard's connections by name.

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

/// The most that a page takes: a size that the allocator has.
const PAGE_BYTES: usize = 32 << 10;

struct Entry<T> {
    generation: u32,
    value: T,
}

/// Places that are taken and given back together. Without any connection it has no memory.
struct Page<T> {
    places: Box<[Option<Entry<T>>]>,
    /// A bit for each place, the lowest for the first.
    vacant: u64,
}

/// Values by their keys, in pages: what many connections needed for a while goes back when they have gone. The lowest places are
/// taken first.
pub(super) struct Entries<T = Connection> {
    pages: Vec<Page<T>>,
    /// All pages before it are full.
    first_open: usize,
    length: usize,
    generation: u32,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self {
            places: Box::default(),
            vacant: Self::ALL_VACANT,
        }
    }
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            first_open: 0,
            length: 0,
            generation: 0,
        }
    }
}

impl<T> Entries<T> {
    pub(super) fn insert(&mut self, value: T) -> Key {
        self.generation = self.generation.wrapping_add(1);
        self.length += 1;
        let generation = self.generation;
        let number = self.open_page();
        let place = self.pages[number].put(Entry { generation, value });
        Key {
            index: index::<T>(number, place),
            generation,
        }
    }

    pub(super) fn get(&mut self, key: Key) -> Option<&mut T> {
        let (number, place) = split::<T>(key.index);
        let entry = self
            .pages
            .get_mut(number)?
            .places
            .get_mut(place)?
            .as_mut()?;
        (entry.generation == key.generation).then_some(&mut entry.value)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        self.get(key)?;
        let (number, place) = split::<T>(key.index);
        let entry = self.pages.get_mut(number)?.take(place)?;
        self.length -= 1;
        self.first_open = self.first_open.min(number);
        while self.pages.last().is_some_and(Page::is_empty) {
            self.pages.pop();
        }
        Some(entry.value)
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// How many came after it, gone or not.
    pub(super) fn came_after(&self, key: Key) -> u32 {
        self.generation.wrapping_sub(key.generation)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        let pages = self.pages.iter().enumerate();
        pages.flat_map(|(number, page)| {
            let places = page.places.iter().enumerate();
            places.filter_map(move |(place, entry)| {
                let Entry { generation, value } = entry.as_ref()?;
                let key = Key {
                    index: index::<T>(number, place),
                    generation: *generation,
                };
                Some((key, value))
            })
        })
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.iter().map(|(key, _)| key)
    }

    /// The first page that has a place.
    fn open_page(&mut self) -> usize {
        let rest = self.pages.iter().skip(self.first_open);
        self.first_open += rest.take_while(|page| page.vacant == 0).count();
        if self.first_open == self.pages.len() {
            self.pages.push(Page::default());
        }
        self.first_open
    }
}

impl<T> Page<T> {
    /// Places of a page: as many as there is a bit for, or as many as fit.
    const PLACES: usize = {
        let (bits, fitting) = (
            u64::BITS as usize,
            PAGE_BYTES / size_of::<Option<Entry<T>>>(),
        );
        if fitting < bits { fitting } else { bits }
    };
    const ALL_VACANT: u64 = u64::MAX >> (u64::BITS as usize - Self::PLACES);

    fn is_empty(&self) -> bool {
        self.vacant == Self::ALL_VACANT
    }

    /// Into the first vacant place, of which there must be one.
    fn put(&mut self, entry: Entry<T>) -> usize {
        if self.places.is_empty() {
            self.places = (0..Self::PLACES).map(|_| None).collect();
        }
        let place = self.vacant.trailing_zeros();
        self.vacant &= !(1 << place);
        let place = usize::try_from(place).expect("at most 64");
        self.places[place] = Some(entry);
        place
    }

    fn take(&mut self, place: usize) -> Option<Entry<T>> {
        let entry = self.places.get_mut(place)?.take()?;
        self.vacant |= 1 << place;
        if self.is_empty() {
            self.places = Box::default();
        }
        Some(entry)
    }
}

fn index<T>(page: usize, place: usize) -> u32 {
    u32::try_from(page * Page::<T>::PLACES + place).expect("fewer connections than descriptors")
}

fn split<T>(index: u32) -> (usize, usize) {
    let index = usize::try_from(index).expect("it runs on machines of 64 bits");
    (index / Page::<T>::PLACES, index % Page::<T>::PLACES)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn who_is_in_is_found_until_it_goes_and_never_again(
            acts in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..800),
        ) {
            // Large enough that a page has fewer places than there are bits.
            let large = |number: u32| [number; 200];
            let mut entries = Entries::default();
            let (mut inside, mut gone): (HashMap<Key, u32>, Vec<Key>) = (HashMap::new(), Vec::new());
            for (number, (comes, which)) in (0..).zip(acts) {
                if comes || inside.is_empty() {
                    let key = entries.insert(large(number));
                    prop_assert_eq!(entries.came_after(key), 0);
                    prop_assert!(inside.insert(key, number).is_none());
                } else {
                    let key = *which.get(&inside.keys().copied().collect::<Vec<_>>());
                    prop_assert_eq!(entries.remove(key), inside.remove(&key).map(large));
                    gone.push(key);
                }
                prop_assert_eq!(entries.len(), inside.len());
            }
            for key in gone {
                prop_assert!(entries.get(key).is_none() && entries.remove(key).is_none());
            }
            for (key, number) in &inside {
                prop_assert_eq!(entries.get(*key).copied(), Some(large(*number)));
            }
            let told: HashMap<Key, u32> = entries.iter().map(|(key, value)| (key, value[0])).collect();
            prop_assert_eq!(told, inside);
        }
    }

    #[test]
    fn pages_without_anybody_have_no_memory() {
        let mut entries = Entries::default();
        let keys: Vec<Key> = (0..1000).map(|number| entries.insert(number)).collect();
        let pages = |entries: &Entries<i32>| {
            entries
                .pages
                .iter()
                .filter(|page| !page.places.is_empty())
                .count()
        };
        assert_eq!(pages(&entries), 16);
        for key in &keys[100..900] {
            entries.remove(*key);
        }
        assert_eq!(pages(&entries), 4);
        for key in &keys[900..] {
            entries.remove(*key);
        }
        assert_eq!(entries.pages.len(), 2);
        // The lowest first, so that those above become free.
        entries.remove(keys[3]);
        let key = entries.insert(1000);
        assert_eq!(key.index, 3);
    }
}
