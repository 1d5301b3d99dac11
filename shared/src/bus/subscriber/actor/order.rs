//! Events, in order; holes, filled.

use std::sync::Arc;

use super::{Actor, Due};
use crate::{
    bus::{
        HistoryError,
        subscriber::{
            Sink,
            followed::Order,
            stream::{Gone, Step, Stream},
            work::Fetch,
        },
    },
    wire::{Channel, Event, Position},
};

impl<S: Sink> Actor<S> {
    pub(super) fn on_event(&mut self, event: Event) {
        let channel = event.channel;
        let Some(followed) = self.table.get_mut(&channel) else {
            return;
        };
        let event = Arc::new(event);
        match (&mut followed.order, event.position) {
            (Order::Live(_), Some(at)) => self.on_durable(channel, at, event),
            (Order::Opening(opening), Some(_)) => opening.event(event),
            // Ephemeral events have no place in the order, so they do not wait for one.
            (_, None) | (Order::Ephemeral, Some(_)) => {
                if !followed.listeners.is_empty() {
                    self.sink.event(followed.listeners, event);
                }
            }
        }
    }

    fn on_durable(&mut self, channel: Channel, at: Position, event: Arc<Event>) {
        self.with_stream(channel, |stream, steps| stream.event(at, event, steps));
        self.settle(channel, None);
    }

    /// The channel's head was moved without an event.
    pub(super) fn on_notice(&mut self, channel: Channel, head: Position) {
        let Some(followed) = self.table.get_mut(&channel) else {
            return;
        };
        match &mut followed.order {
            Order::Ephemeral => {}
            Order::Opening(opening) => opening.notice(head),
            Order::Live(stream) if stream.position().epoch == head.epoch => {
                self.on_head(channel, head);
            }
            // Whose epoch is the right one? The log is asked.
            Order::Live(_) => self.queue_check(channel),
        }
    }

    /// The channel's log goes at least this far.
    pub(super) fn on_head(&mut self, channel: Channel, head: Position) {
        self.with_stream(channel, |stream, steps| stream.head(head, steps));
        if let Some(followed) = self.table.get(&channel)
            && let Order::Live(stream) = &followed.order
            && stream.is_behind()
        {
            let due = Due::CatchUp(channel, followed.serial);
            self.wheel.insert(self.tuning.grace, due);
        }
    }

    /// The channel's head is known now: answers those who wait for it, and hands on what came meanwhile.
    pub(super) fn on_start(&mut self, channel: Channel, head: Position, check: u64) {
        let Some(followed) = self.table.get_mut(&channel) else {
            return;
        };
        let Order::Opening(opening) = &mut followed.order else {
            return;
        };
        let (stream, meanwhile) = opening.start(head);
        followed.order = Order::Live(stream);
        self.settle(channel, Some(check));
        for event in meanwhile.events {
            if let Some(at) = event.position {
                self.on_durable(channel, at, event);
            }
        }
        if let Some(head) = meanwhile.noticed {
            self.on_notice(channel, head);
        }
    }

    pub(super) fn on_catch_up(&mut self, channel: Channel, serial: u64) {
        if self.followed(channel, serial).is_some() {
            self.with_stream(channel, Stream::catch_up);
        }
    }

    pub(super) fn on_retry_fetch(&mut self, channel: Channel, serial: u64) {
        if self.followed(channel, serial).is_some() {
            self.with_stream(channel, Stream::retry);
        }
    }

    pub(super) fn on_fetched(
        &mut self,
        fetch: Fetch,
        outcome: Result<Vec<Arc<Event>>, HistoryError>,
    ) {
        self.fetches_running -= 1;
        let Fetch {
            channel,
            serial,
            after,
            ..
        } = fetch;
        let retry = self.tuning.retry;
        let Some(followed) = self.followed(channel, serial) else {
            return;
        };
        let outcome = match outcome {
            Ok(events) => {
                followed.failures.reset();
                self.metrics.gaps_healed.inc();
                Ok(events)
            }
            Err(HistoryError::Unavailable(error)) => {
                tracing::warn!(%channel, %error, "a hole cannot be filled yet");
                let wait = followed.failures.next_wait(&retry);
                self.wheel.insert(wait, Due::RetryFetch(channel, serial));
                return;
            }
            Err(error) => {
                tracing::warn!(%channel, %error, "events are lost; listeners are told");
                followed.failures.reset();
                Err(Gone)
            }
        };
        self.with_stream(channel, |stream, steps| {
            stream.fetched(after, outcome, steps);
        });
        self.settle(channel, None);
    }

    pub(super) fn take_steps(&mut self, channel: Channel, steps: &mut Vec<Step>) {
        let Some(followed) = self.table.get(&channel) else {
            steps.clear();
            return;
        };
        let listeners = followed.listeners;
        for step in steps.drain(..) {
            match step {
                Step::Deliver(event) if listeners.is_empty() => self.sink.unheard(event),
                Step::Deliver(event) => self.sink.event(listeners, event),
                Step::Fetch { after, through } => {
                    self.metrics.gaps_detected.inc();
                    self.fetches.push_back(Fetch {
                        channel,
                        serial: followed.serial,
                        after,
                        through,
                    });
                }
                Step::Lost(position) => {
                    self.metrics.gaps_unhealed.inc();
                    if !listeners.is_empty() {
                        self.sink.lost(listeners, channel, position);
                    }
                }
            }
        }
    }
}
