//! What is still to be said to Redis about subscriptions: in order, in batches, with a bound on what is unconfirmed.

use std::collections::VecDeque;

use crate::{memory::GiveBack as _, wire::Channel};

/// Channels in one SUBSCRIBE or UNSUBSCRIBE.
const BATCH_MAX: usize = 512;
/// Confirmations to wait for before more is asked: Redis cuts off a client that has too many of them unread.
const UNCONFIRMED_MAX: usize = 4 * BATCH_MAX;

/// What to do with a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Subscribe,
    Unsubscribe,
}

impl Verb {
    /// In a cluster Pub/Sub is the sharded one: the other goes to all servers, whoever listens.
    pub(super) const fn command(self, is_cluster: bool) -> &'static str {
        match (self, is_cluster) {
            (Self::Subscribe, false) => "SUBSCRIBE",
            (Self::Unsubscribe, false) => "UNSUBSCRIBE",
            (Self::Subscribe, true) => "SSUBSCRIBE",
            (Self::Unsubscribe, true) => "SUNSUBSCRIBE",
        }
    }
}

/// The queue of changes for one connection.
#[derive(Debug, Default)]
pub(super) struct Changes {
    queue: VecDeque<(Verb, Channel)>,
    unconfirmed: usize,
}

impl Changes {
    pub(super) fn push(&mut self, verb: Verb, channel: Channel) {
        self.queue.push_back((verb, channel));
    }

    /// The next command, if it is time for one.
    pub(super) fn next_batch(&mut self) -> Option<(Verb, Vec<Channel>)> {
        let room = UNCONFIRMED_MAX
            .checked_sub(self.unconfirmed)?
            .min(BATCH_MAX);
        let (verb, _) = *self.queue.front()?;
        let same = self.queue.iter().take(room);
        let count = same.take_while(|(other, _)| *other == verb).count();
        if count == 0 {
            return None;
        }
        self.unconfirmed += count;
        let channels = self.queue.drain(..count).map(|(_, channel)| channel);
        let batch = (verb, channels.collect());
        self.queue.give_back();
        Some(batch)
    }

    #[cfg(test)]
    pub(super) fn unconfirmed(&self) -> usize {
        self.unconfirmed
    }

    /// Redis confirmed one channel's change.
    pub(super) fn confirmed(&mut self) {
        self.unconfirmed = self.unconfirmed.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PostId;

    fn channel(number: i64) -> Channel {
        Channel::Post(PostId::new(number).unwrap())
    }

    #[test]
    fn batches_are_full_of_one_kind_and_bounded_in_number() {
        let mut changes = Changes::default();
        for number in 1..=3000 {
            changes.push(Verb::Subscribe, channel(number));
        }
        for _ in 0..4 {
            let (verb, channels) = changes.next_batch().unwrap();
            assert_eq!((verb, channels.len()), (Verb::Subscribe, BATCH_MAX));
        }
        assert_eq!(changes.next_batch(), None);
        changes.confirmed();
        assert_eq!(changes.next_batch().unwrap().1, [channel(2049)]);
    }

    #[test]
    fn a_channel_s_changes_keep_their_order() {
        let mut changes = Changes::default();
        for (verb, number) in [
            (Verb::Subscribe, 1),
            (Verb::Unsubscribe, 2),
            (Verb::Unsubscribe, 1),
            (Verb::Subscribe, 1),
        ] {
            changes.push(verb, channel(number));
        }
        let batches: Vec<_> = std::iter::from_fn(|| changes.next_batch()).collect();
        assert_eq!(
            batches,
            [
                (Verb::Subscribe, vec![channel(1)]),
                (Verb::Unsubscribe, vec![channel(2), channel(1)]),
                (Verb::Subscribe, vec![channel(1)]),
            ]
        );
    }
}
