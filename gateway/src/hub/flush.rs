//! Writing what is queued, and looking after connections whose time has come.

use std::mem;

use shared::{
    memory::GiveBack as _,
    wire::{Channel, CloseReason},
};

use super::{connection::Stay, entries::Key, state::State};
use crate::{
    metrics::Departure,
    transport::{self, Transport, Written, spare},
};

/// Sockets that are written between two looks at the clock, for the measure of how late events are.
const WRITES_PER_LOOK: usize = 64;

impl State {
    /// Writes to everybody who has something to be written.
    pub(super) fn flush(&mut self) {
        self.unwritten = 0;
        let mut dirty = mem::take(&mut self.dirty);
        let mut now_ms = 0;
        for (index, key) in dirty.drain(..).enumerate() {
            if index % WRITES_PER_LOOK == 0 {
                now_ms = self.conditions.clock.now_ms();
            }
            self.flush_one(key, now_ms);
        }
        debug_assert!(self.dirty.is_empty(), "flushing makes nobody dirty");
        self.dirty = dirty;
    }

    fn flush_one(&mut self, key: Key, now_ms: i64) {
        loop {
            let Some(connection) = self.connections.get(key) else {
                return;
            };
            if connection.is_collecting() {
                if connection.queue.is_empty() {
                    break;
                }
                // There is something to tell, so that is the answer.
                self.close(key, CloseReason::Normal, None);
                continue;
            }
            if connection.is_blocked {
                break;
            }
            match connection.write(&self.conditions, now_ms) {
                Written::Broken => return self.remove(key),
                Written::Blocked => {
                    connection.is_blocked = true;
                    match self.watch.for_room(&mut connection.stream, key) {
                        Ok(()) => break,
                        Err(_) => return self.remove(key),
                    }
                }
                Written::Everything => {}
            }
            match connection.closing {
                Some(closing) if closing.answered => return self.remove(key),
                Some(closing) if closing.engine_stays => return self.step_out(key),
                Some(_) => {
                    transport::end(&connection.stream);
                    break;
                }
                None => {}
            }
            if !connection.may_be_behind {
                break;
            }
            let mut effects = Vec::new();
            let room = connection.queue.room(self.conditions.queue);
            connection.session.on_room(room, &mut effects);
            connection.may_be_behind = connection.session.is_behind();
            if effects.is_empty() {
                break;
            }
            self.perform(key, &mut effects);
        }
        if let Some(connection) = self.get(key) {
            connection.dirty = false;
        }
    }

    /// Looks at those whose time has come.
    pub(super) fn tick(&mut self) {
        self.tell_tallies();
        self.trace_rules = self.conditions.ledger.rules();
        self.give_back();
        while let Some(keys) = self.wheel.take(self.now.elapsed_ms) {
            for key in keys {
                self.visit(key);
            }
        }
    }

    /// What was allocated for a busy moment and was not needed since the last tick.
    fn give_back(&mut self) {
        self.dirty.give_back();
        self.unread.give_back();
        self.audience.give_back();
        spare::look_after();
    }

    fn tell_tallies(&self) {
        for transport in Transport::ALL {
            self.conditions.tally(transport).tell();
        }
    }

    /// Looks at what waits for the sockets.
    pub(super) fn sample_queues(&mut self) {
        let metrics = &self.conditions.metrics;
        let mut bytes_in_all = 0;
        for (_, connection) in self.connections.iter() {
            let (frames, bytes) = connection.queue.waiting();
            #[expect(clippy::cast_precision_loss, reason = "a bounded number of frames")]
            metrics.queue_frames.observe(frames as f64);
            bytes_in_all += i64::try_from(bytes).unwrap_or(i64::MAX);
        }
        // The other shards add theirs to the same gauge.
        metrics.queue_bytes.add(bytes_in_all - self.sampled_bytes);
        self.sampled_bytes = bytes_in_all;
        self.sample_subscriptions();
    }

    fn sample_subscriptions(&mut self) {
        let everybody = i64::try_from(self.connections.len()).unwrap_or(i64::MAX);
        let mut heard = [0, 0, 0, everybody];
        for (_, connection) in self.connections.iter() {
            for channel in &connection.hears {
                match channel {
                    Channel::User(_) => heard[0] += 1,
                    Channel::Group(_) => heard[1] += 1,
                    Channel::Post(_) => heard[2] += 1,
                    _ => {}
                }
            }
        }
        for (kind, now) in heard.into_iter().enumerate() {
            let more = now - self.sampled_subscriptions[kind];
            self.conditions.metrics.subscribed(kind, more);
        }
        self.sampled_subscriptions = heard;
    }

    fn visit(&mut self, key: Key) {
        let now = self.now;
        let Some(connection) = self.get(key) else {
            return;
        };
        let next_at_ms = match connection.closing {
            Some(closing) if now.elapsed_ms >= closing.until_ms => return self.remove(key),
            Some(closing) => closing.until_ms,
            None => {
                if !connection.outlet.is_two_way() {
                    connection.session.on_heard(now);
                }
                let mut effects = Vec::new();
                let next_at_ms = connection.session.on_tick(now, &mut effects);
                self.perform(key, &mut effects);
                next_at_ms.min(self.look_after_stay(key))
            }
        };
        self.wheel.file(key, next_at_ms);
    }

    /// Sends a connection away that was here long enough. Returns when to look again.
    fn look_after_stay(&mut self, key: Key) -> u64 {
        let now_ms = self.now.elapsed_ms;
        let Some(connection) = self.get(key) else {
            return u64::MAX;
        };
        let stay = connection.stay;
        if now_ms < stay.until_ms() {
            return stay.until_ms();
        }
        match stay {
            Stay::Told { after_ms, .. } => {
                self.close(key, CloseReason::GoingAway, Some(after_ms));
            }
            // A poll that waited in vain: the next one follows.
            Stay::Until(_) if connection.outlet.collects() => {
                self.close(key, CloseReason::Normal, None);
            }
            Stay::Until(_) => self.send_away(key, Departure::Age),
        }
        // Until then it is looked at anyway.
        u64::MAX
    }
}
