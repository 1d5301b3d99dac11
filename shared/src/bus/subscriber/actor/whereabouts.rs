//! Servers change places, and channels with them.

use std::{sync::Arc, time::Duration};

use redis::RedisError;
use tokio::time::Instant;

use super::Actor;
use crate::{
    bus::{
        metrics::Loss,
        subscriber::{Sink, changes::Verb, followed::Subscription, lines::LineId, work},
    },
    wire::Channel,
};

/// Between two looks at who has what, while something seems wrong and while nothing does.
const LOOK_SOON: Duration = Duration::from_millis(500);
const LOOK_SOME_DAY: Duration = Duration::from_secs(10);

impl<S: Sink> Actor<S> {
    /// Follows the layout: channels whose server is another one now are asked for there.
    pub(super) fn on_layout(&mut self) {
        let layout = self.layout.borrow_and_update().clone();
        for place in self.lines.follow(layout) {
            self.metrics.subscriptions.lost(place, Loss::Closed);
        }
        self.note_connections();
        let channels: Vec<Channel> = self.table.keys().copied().collect();
        for channel in channels {
            self.place(channel);
        }
        self.adrift.clear();
    }

    /// Asks for the channel where it belongs now, unless that is done.
    fn place(&mut self, channel: Channel) {
        let line = self.lines.of(channel);
        let Some(followed) = self.table.get_mut(&channel) else {
            return;
        };
        let is_adrift = followed.subscription == Subscription::Adrift;
        if followed.line == line && !is_adrift {
            return;
        }
        let before = std::mem::replace(&mut followed.line, line);
        followed.subscription = Subscription::Wanted;
        if before != line && !is_adrift {
            self.lines.change(before, Verb::Unsubscribe, channel);
        }
        self.lines.change(line, Verb::Subscribe, channel);
    }

    /// The server does not have this channel any more.
    pub(super) fn set_adrift(&mut self, channel: Channel) {
        if let Some(followed) = self.table.get_mut(&channel) {
            followed.subscription = Subscription::Adrift;
            self.adrift.push(channel);
            self.look_soon();
        }
    }

    /// The server that refused a subscription says who has that slot.
    pub(super) fn on_moved(&mut self, line: LineId, text: &str) -> bool {
        let mut words = text.split(' ');
        let (Some("MOVED"), Some(slot), Some(addr)) = (words.next(), words.next(), words.next())
        else {
            return false;
        };
        let Ok(slot) = slot.parse::<u16>() else {
            return false;
        };
        if let Some(line) = self.lines.get(line) {
            line.changes.confirmed();
        }
        let names = self.bus.names().clone();
        let refused = |channel: &Channel| {
            crate::bus::topology::slot(names.stream(*channel).as_bytes()) == slot
        };
        let refused: Vec<Channel> = self
            .table
            .iter()
            .filter(|(_, followed)| followed.line == line)
            .filter(|(_, followed)| followed.subscription == Subscription::Sent)
            .map(|(channel, _)| *channel)
            .filter(refused)
            .collect();
        for channel in refused {
            self.set_adrift(channel);
        }
        self.lines.topology().moved(slot, addr);
        true
    }

    pub(super) fn look_soon(&mut self) {
        self.look_at = Instant::now();
    }

    pub(super) fn look_if_due(&mut self) {
        let topology = self.lines.topology();
        if topology.is_fixed() || self.is_looking || self.look_at > Instant::now() {
            return;
        }
        self.is_looking = true;
        self.work.push(work::look(Arc::clone(topology)));
    }

    pub(super) fn on_looked(&mut self, outcome: Result<(), RedisError>) {
        self.is_looking = false;
        match outcome {
            Ok(()) => {
                for channel in std::mem::take(&mut self.adrift) {
                    self.place(channel);
                }
            }
            Err(error) => tracing::warn!(%error, "nobody says which redis servers there are"),
        }
        let is_well = self.lines.are_up() && self.adrift.is_empty();
        let wait = if is_well { LOOK_SOME_DAY } else { LOOK_SOON };
        self.look_at = Instant::now() + wait.mul_f64(rand::random_range(0.75..=1.0));
    }
}
