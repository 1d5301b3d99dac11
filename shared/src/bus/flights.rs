//! Who is reading a channel's log at this moment, and what the last of them found.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex as StdMutex, PoisonError},
};

use tokio::sync::{Mutex, MutexGuard};

use crate::wire::{Channel, Event, Offset, Position};

/// The events after `after` up to and including `through`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) after: Position,
    pub(super) through: Offset,
}

/// One entry for each channel that somebody reads or waits for; it is gone when the last of them is.
#[derive(Default)]
pub(super) struct Flights(StdMutex<HashMap<Channel, Arc<Mutex<Found>>>>);

/// What those who had their turn before found.
#[derive(Default)]
struct Found {
    turns: u64,
    /// Contiguous; of one epoch.
    events: Vec<Arc<Event>>,
}

/// A place in the queue for a channel's log.
pub(super) struct Flight<'a> {
    flights: &'a Flights,
    channel: Channel,
    found: Arc<Mutex<Found>>,
}

/// The only one who reads the channel's log now.
pub(super) struct Turn<'a>(MutexGuard<'a, Found>);

impl Flights {
    pub(super) fn board(&self, channel: Channel) -> Flight<'_> {
        let found = Arc::clone(self.map().entry(channel).or_default());
        Flight {
            flights: self,
            channel,
            found,
        }
    }

    /// How many read or wait now.
    #[cfg(test)]
    pub(super) fn aboard(&self, channel: Channel) -> usize {
        self.map()
            .get(&channel)
            .map_or(0, |found| Arc::strong_count(found) - 1)
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<Channel, Arc<Mutex<Found>>>> {
        // Nothing panics while it holds the lock, and the map is whole at every point.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight<'_> {
    pub(super) async fn turn(&self) -> Turn<'_> {
        let mut found = self.found.lock().await;
        found.turns += 1;
        Turn(found)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut map = self.flights.map();
        // The map's and ours: nobody else waits, and nobody can join while we hold the map.
        if Arc::strong_count(&self.found) == 2 {
            map.remove(&self.channel);
        }
    }
}

impl Turn<'_> {
    /// Whether somebody had the turn before: the tail may hold by now what it did not.
    pub(super) fn is_after_others(&self) -> bool {
        self.0.turns > 1
    }

    /// The range, if it is part of what was found before.
    pub(super) fn found(&self, range: Range) -> Option<Vec<Arc<Event>>> {
        let first = self.0.events.first()?.position?;
        if first.epoch != range.after.epoch {
            return None;
        }
        let start = (range.after.offset + 1).checked_sub(first.offset)?;
        let end = (range.through + 1).checked_sub(first.offset)?;
        let indices = usize::try_from(start).ok()?..usize::try_from(end).ok()?;
        self.0.events.get(indices).map(<[_]>::to_vec)
    }

    /// Leaves the events for those who wait.
    pub(super) fn keep(&mut self, events: &[Arc<Event>]) {
        self.0.events = events.to_vec();
    }
}
