//! Positions are compared with Redis, and where Redis does not know, with the log.
//!
//! That answers a join of a new channel, finds what a broken connection swallowed, and now and then what was lost without
//! a trace.

use super::{Actor, Due};
use crate::{
    bus::subscriber::{
        Sink,
        followed::{CheckNumber, Followed, Order, Subscription},
        work::{self, Answer, Question},
    },
    memory::GiveBack as _,
    wire::Channel,
};

/// Channels in one comparison.
const CHECK_CHANNELS_MAX: usize = 512;
/// Comparisons under way.
const CHECKS_MAX: usize = 2;

impl<S: Sink> Actor<S> {
    /// Queues a comparison, in front when somebody waits for it.
    pub(super) fn queue_check(&mut self, channel: Channel) {
        let Some(followed) = self.table.get_mut(&channel) else {
            return;
        };
        if followed.is_check_queued {
            return;
        }
        followed.is_check_queued = true;
        if followed.joins.is_empty() {
            self.checks.push_back(channel);
        } else {
            self.checks.push_front(channel);
        }
    }

    pub(super) fn start_checks(&mut self) {
        while self.checks_running < CHECKS_MAX && !self.checks.is_empty() {
            let count = self.checks.len().min(CHECK_CHANNELS_MAX);
            let table = &mut self.table;
            let questions: Vec<Question> = self
                .checks
                .drain(..count)
                .filter_map(|channel| question(channel, table.get_mut(&channel)?))
                .collect();
            self.checks.give_back();
            if questions.is_empty() {
                continue;
            }
            self.checks_started += 1;
            self.checks_running += 1;
            let log = self.history.log().clone();
            let check = work::check(self.bus.clone(), log, self.checks_started, questions);
            self.work.push(check);
        }
    }

    pub(super) fn on_checked(&mut self, number: CheckNumber, answers: Vec<Answer>) {
        self.checks_running -= 1;
        for Answer { channel, head } in answers {
            let Some(followed) = self.table.get_mut(&channel) else {
                continue;
            };
            let Some(head) = head else {
                let wait = followed.failures.next_wait(&self.tuning.retry);
                let due = Due::Check(channel, followed.serial);
                self.wheel.insert(wait, due);
                continue;
            };
            followed.failures.reset();
            match (&followed.order, followed.subscription) {
                (Order::Live(_), _) => {
                    self.on_head(channel, head);
                    self.settle(channel, Some(number));
                }
                // What was asked before the subscription was in force may miss an event in between.
                (Order::Opening(_), Subscription::Confirmed { checks_before })
                    if number > checks_before =>
                {
                    self.on_start(channel, head, number);
                }
                (Order::Opening(_) | Order::Ephemeral, _) => {}
            }
        }
    }

    pub(super) fn on_check_due(&mut self, channel: Channel, serial: u64) {
        if self.followed(channel, serial).is_some() {
            self.queue_check(channel);
        }
    }

    /// Begins the regular comparisons of a channel, once.
    pub(super) fn plan_self_check(&mut self, channel: Channel) {
        if let Some(followed) = self.table.get_mut(&channel)
            && !followed.is_self_checked
        {
            followed.is_self_checked = true;
            let wait = rand::random_range(self.tuning.self_check.clone());
            let due = Due::SelfCheck(channel, followed.serial);
            self.wheel.insert(wait, due);
        }
    }

    pub(super) fn on_self_check(&mut self, channel: Channel, serial: u64) {
        if let Some(followed) = self.followed(channel, serial) {
            followed.is_self_checked = false;
            self.queue_check(channel);
            self.plan_self_check(channel);
        }
    }
}

/// What to ask; nothing while the channel is not subscribed, since it is compared when it is.
fn question(channel: Channel, followed: &mut Followed) -> Option<Question> {
    followed.is_check_queued = false;
    followed.is_confirmed().then(|| Question {
        channel,
        claim: followed.claim(),
        is_urgent: !followed.joins.is_empty(),
    })
}
