//! What this node has just heard, for those who come back to it at once: a replay that it can give costs nobody a question.
//!
//! An event at a position never changes, so whatever is here is right; only whether it is *all* there has to be seen to. A
//! channel's events stand without a hole, or the older ones are forgotten. Whoever asks for more than is here, or for another
//! life of the log, reads the history.
//!
//! Only channels that carried something within the last minute have a place here, and all of them share one bound: who is
//! idle costs nothing.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use shared::{
    memory::GiveBack as _,
    ticks,
    wire::{Channel, Offset, Position},
};
use tokio::time::Instant;

use crate::codec::Encoded;

/// As long as most who lose their connection need to come back.
const KEPT: Duration = Duration::from_mins(1);
/// For so long more, where nothing follows.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Of all channels together.
const BYTES_MAX: usize = 8 << 20;
/// Of one channel: as many as a replay from the history brings.
const EVENTS_MAX: usize = 512;
/// What an event takes besides its bytes, about.
const EVENT_OVERHEAD_BYTES: usize = 512;

/// The newest durable events of this node.
#[derive(Debug, Default)]
pub(crate) struct Ring(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    channels: HashMap<Channel, VecDeque<Arc<Encoded>>>,
    /// All of them in the order in which they came, also some that their channel has forgotten since.
    order: VecDeque<Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    channel: Channel,
    position: Position,
    bytes: usize,
    since: Instant,
}

impl Ring {
    /// Keeps an event that was heard now, if it has a position.
    pub(crate) fn keep(&self, encoded: &Arc<Encoded>) {
        let Some(position) = encoded.event.position else {
            return;
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        kept.push(encoded, position, now);
        kept.forget(now);
    }

    /// Forgets what is too old, where no event comes that would, for as long as it is polled.
    pub(crate) async fn keep_young(&self) {
        let mut looks = ticks::every(LOOK_EVERY);
        loop {
            looks.tick().await;
            self.forget_old();
        }
    }

    fn forget_old(&self) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.forget(Instant::now());
        kept.channels.give_back();
        kept.order.give_back();
    }

    /// Every event after `after` up to and including `through`, in order, if all of them are here.
    pub(crate) fn range(
        &self,
        channel: Channel,
        after: Position,
        through: Offset,
    ) -> Option<Vec<Arc<Encoded>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let events = kept.channels.get(&channel)?;
        let first = events.front()?.event.position?;
        // They stand without a hole, so the first tells where all others are.
        let begin = (after.offset + 1).checked_sub(first.offset)?;
        let end = (through + 1).checked_sub(first.offset)?;
        let begin = usize::try_from(begin).ok()?;
        let end = usize::try_from(end).ok()?;
        if first.epoch != after.epoch || begin > end || end > events.len() {
            return None;
        }
        Some(events.range(begin..end).cloned().collect())
    }
}

impl Kept {
    fn push(&mut self, encoded: &Arc<Encoded>, position: Position, now: Instant) {
        let channel = encoded.event.channel;
        let events = self.channels.entry(channel).or_default();
        let last = events.back().and_then(|last| last.event.position);
        let follows = last
            .is_some_and(|last| last.epoch == position.epoch && last.offset + 1 == position.offset);
        if !follows {
            events.clear();
        }
        if events.len() == EVENTS_MAX {
            events.pop_front();
        }
        events.push_back(Arc::clone(encoded));
        // The body, and the frame that is made of it.
        let bytes = 2 * encoded.weight() + EVENT_OVERHEAD_BYTES;
        self.bytes += bytes;
        self.order.push_back(Entry {
            channel,
            position,
            bytes,
            since: now,
        });
    }

    /// What is too old, or too much.
    fn forget(&mut self, now: Instant) {
        while let Some(oldest) = self.order.front() {
            if self.bytes <= BYTES_MAX && now.duration_since(oldest.since) < KEPT {
                return;
            }
            self.bytes -= oldest.bytes;
            if let Some(entry) = self.order.pop_front() {
                self.forget_event(&entry);
            }
        }
    }

    fn forget_event(&mut self, entry: &Entry) {
        let Some(events) = self.channels.get_mut(&entry.channel) else {
            return;
        };
        let first = events.front().and_then(|first| first.event.position);
        if first == Some(entry.position) {
            events.pop_front();
        }
        if events.is_empty() {
            self.channels.remove(&entry.channel);
        }
    }
}

#[cfg(test)]
mod tests;
