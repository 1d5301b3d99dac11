//! Connections that have not said who they are, by where they come from.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    num::NonZero,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shared::address::Neighbourhood;

/// This address has too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many connections from this address have not said who they are")]
pub(crate) struct TooMany;

/// Bounded by the connections that the listener looks after at once.
type Counts = Mutex<HashMap<Neighbourhood, NonZero<u32>>>;

#[derive(Debug)]
pub(super) struct Strangers {
    counts: Arc<Counts>,
    most: NonZero<u32>,
}

/// Counts as one connection for as long as it lives.
#[derive(Debug)]
pub(crate) struct Stranger {
    counts: Arc<Counts>,
    from: Neighbourhood,
}

impl Strangers {
    pub(super) fn new(most: NonZero<u32>) -> Self {
        Self {
            counts: Arc::default(),
            most,
        }
    }

    pub(super) fn enter(&self, address: IpAddr) -> Result<Stranger, TooMany> {
        let from = Neighbourhood::from(address);
        match lock(&self.counts).entry(from) {
            Entry::Occupied(entry) if *entry.get() >= self.most => return Err(TooMany),
            Entry::Occupied(mut entry) => *entry.get_mut() = entry.get().saturating_add(1),
            Entry::Vacant(entry) => drop(entry.insert(NonZero::<u32>::MIN)),
        }
        Ok(Stranger {
            counts: Arc::clone(&self.counts),
            from,
        })
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = lock(&self.counts).entry(self.from) {
            match NonZero::new(entry.get().get() - 1) {
                Some(left) => drop(entry.insert(left)),
                None => drop(entry.remove()),
            }
        }
    }
}

fn lock(counts: &Counts) -> MutexGuard<'_, HashMap<Neighbourhood, NonZero<u32>>> {
    // Nothing that can panic runs while it is held.
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_count_and_nothing_stays_behind() {
        let strangers = Strangers::new(NonZero::new(2).unwrap());
        let enter = |address: &str| strangers.enter(address.parse().unwrap());
        let first = enter("192.0.2.1").unwrap();
        let second = enter("192.0.2.1").unwrap();
        assert_eq!(enter("192.0.2.1").unwrap_err(), TooMany);
        let neighbour = enter("192.0.2.2").unwrap();
        drop(first);
        let third = enter("192.0.2.1").unwrap();
        assert_eq!(enter("192.0.2.1").unwrap_err(), TooMany);
        drop((second, third, neighbour));
        assert!(lock(&strangers.counts).is_empty());
    }
}
