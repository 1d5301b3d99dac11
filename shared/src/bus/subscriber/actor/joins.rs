//! Listeners come and go.

use tokio::time::Instant;

use super::{Actor, Due};
use crate::{
    bus::subscriber::{
        Join, JoinError, Joined, ListenerId, Sink,
        changes::Verb,
        followed::{CheckNumber, Followed, Order, Pending, Subscription},
    },
    memory::GiveBack as _,
    wire::Channel,
};

/// Joins that may wait for Redis or the log on this node; more are refused at once.
const JOINS_PENDING_MAX: usize = 65_536;

impl<S: Sink> Actor<S> {
    pub(super) fn on_join(&mut self, join: Join) {
        if self.joins_pending >= JOINS_PENDING_MAX || join.listener > ListenerId::MAX {
            let joined = Joined {
                channel: join.channel,
                token: join.token,
                outcome: Err(JoinError::Unavailable),
            };
            self.sink.joined(join.listener, joined);
            return;
        }
        let channel = join.channel;
        let expires = Instant::now() + self.tuning.join_wait;
        let checks_before = self.checks_started;
        let followed = self.follow(channel);
        followed.idle_since = None;
        followed.joins.push(Pending {
            join,
            expires,
            checks_before,
        });
        self.joins_pending += 1;
        self.settle(channel, None);
        self.plan_expiry(channel);
    }

    /// The channel's entry. A new one is asked for on the connection, if there is one.
    fn follow(&mut self, channel: Channel) -> &mut Followed {
        self.table.entry(channel).or_insert_with(|| {
            self.serials += 1;
            self.metrics.followed(channel);
            let line = self.lines.of(channel);
            self.lines.change(line, Verb::Subscribe, channel);
            Followed::new(channel, self.serials, line)
        })
    }

    pub(super) fn on_leave(&mut self, channel: Channel, listener: ListenerId) {
        let Some(followed) = self.table.get_mut(&channel) else {
            return;
        };
        followed.listeners.remove(listener);
        let refused = followed.refuse(|pending| pending.join.listener == listener);
        self.tell(refused);
        self.plan_dissolve(channel);
    }

    /// Answers the joins that can be answered; `check` is the comparison whose result was just taken in, if any.
    pub(super) fn settle(&mut self, channel: Channel, check: Option<CheckNumber>) {
        let Some(followed) = self.table.get_mut(&channel) else {
            return;
        };
        if followed.joins.is_empty() {
            return;
        }
        let answers = followed.settle(check);
        // Somebody has seen more than we have, and nobody has asked the log about it yet.
        let is_open = !followed.joins.is_empty()
            && followed.is_confirmed()
            && matches!(&followed.order, Order::Live(stream) if !stream.is_behind());
        self.tell(answers);
        if is_open {
            self.queue_check(channel);
        }
    }

    fn tell(&mut self, answers: Vec<(ListenerId, Joined)>) {
        self.joins_pending -= answers.len();
        for (listener, joined) in answers {
            self.sink.joined(listener, joined);
        }
    }

    pub(super) fn on_joins_expire(&mut self, channel: Channel, serial: u64) {
        let Some(followed) = self.followed(channel, serial) else {
            return;
        };
        followed.is_expiry_planned = false;
        let now = Instant::now();
        let refused = followed.refuse(|pending| pending.expires <= now);
        self.tell(refused);
        self.plan_expiry(channel);
        self.plan_dissolve(channel);
    }

    /// Joins wait for a while, not for ever.
    fn plan_expiry(&mut self, channel: Channel) {
        let Some(followed) = self.table.get_mut(&channel) else {
            return;
        };
        let first = followed.joins.iter().map(|pending| pending.expires).min();
        if let Some(first) = first
            && !followed.is_expiry_planned
        {
            followed.is_expiry_planned = true;
            let wait = first.saturating_duration_since(Instant::now());
            let due = Due::JoinsExpire(channel, followed.serial);
            self.wheel.insert(wait, due);
        }
    }

    /// A channel that nobody wants any more is kept for a while.
    fn plan_dissolve(&mut self, channel: Channel) {
        let Some(followed) = self.table.get_mut(&channel) else {
            return;
        };
        if !followed.is_unwanted() {
            return;
        }
        followed.idle_since.get_or_insert_with(Instant::now);
        if !followed.is_dissolve_planned {
            followed.is_dissolve_planned = true;
            let due = Due::Dissolve(channel, followed.serial);
            self.wheel.insert(self.tuning.linger, due);
        }
    }

    pub(super) fn on_dissolve(&mut self, channel: Channel, serial: u64) {
        let Some(followed) = self.followed(channel, serial) else {
            return;
        };
        followed.is_dissolve_planned = false;
        let Some(idle_since) = followed.idle_since else {
            return;
        };
        // A subscription whose confirmation is still to come is left until then: confirmations bear no number.
        let line = followed.line;
        let is_settled = followed.subscription != Subscription::Sent;
        if !is_settled || idle_since.elapsed() < self.tuning.linger {
            self.plan_dissolve(channel);
            return;
        }
        self.table.swap_remove(&channel);
        self.table.give_back();
        self.metrics.forsaken(channel);
        self.lines.change(line, Verb::Unsubscribe, channel);
    }
}
