//! What the subscriber knows about one channel.

use tokio::time::Instant;

use super::{
    Join, JoinError, Joined, ListenerId, Listeners, Replay, Start,
    lines::LineId,
    stream::{Opening, Stream},
};
use crate::{
    bus::backoff::Failures,
    wire::{Channel, Offset, Position},
};

/// The number of a comparison with Redis and the log. Larger means started later.
pub(super) type CheckNumber = u64;

/// How far a channel's subscription on the present connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subscription {
    /// To be asked for, when its connection is up.
    Wanted,
    /// The server has ended it, or does not have the channel: to be asked for when it is known who has it.
    Adrift,
    /// Asked for.
    Sent,
    /// In force since this many comparisons had been started: what a later one finds is not older than the subscription.
    Confirmed { checks_before: CheckNumber },
}

/// How a channel's events are put in order.
#[derive(Debug)]
pub(super) enum Order {
    /// They have none: the channel has no log.
    Ephemeral,
    /// Where the stream starts is not known yet.
    Opening(Box<Opening>),
    /// By offset.
    Live(Stream),
}

/// A join that waits for its answer.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) join: Join,
    pub(super) expires: Instant,
    /// What comparisons up to this one found is older than the question.
    pub(super) checks_before: CheckNumber,
}

/// One channel on this node.
#[derive(Debug)]
pub(super) struct Followed {
    /// Tells this stay in the table from an earlier one of the same channel.
    pub(super) serial: u64,
    pub(super) listeners: Listeners,
    pub(super) subscription: Subscription,
    /// The connection that it belongs on.
    pub(super) line: LineId,
    pub(super) order: Order,
    pub(super) joins: Vec<Pending>,
    /// It stands in the queue for comparison.
    pub(super) is_check_queued: bool,
    /// Its regular comparison is in the wheel.
    pub(super) is_self_checked: bool,
    /// Nobody has wanted it since.
    pub(super) idle_since: Option<Instant>,
    /// Its unsubscription is in the wheel.
    pub(super) is_dissolve_planned: bool,
    /// The end of its joins' patience is in the wheel.
    pub(super) is_expiry_planned: bool,
    /// Of questions about it, in a row.
    pub(super) failures: Failures,
    /// When it was first wanted, until its subscription is in force.
    pub(super) wanted_since: Option<Instant>,
}

impl Followed {
    pub(super) fn new(channel: Channel, serial: u64, line: LineId) -> Self {
        Self {
            serial,
            listeners: Listeners::default(),
            subscription: Subscription::Wanted,
            line,
            order: if channel.is_durable() {
                Order::Opening(Box::default())
            } else {
                Order::Ephemeral
            },
            joins: Vec::new(),
            is_check_queued: false,
            is_self_checked: false,
            idle_since: None,
            is_dissolve_planned: false,
            is_expiry_planned: false,
            failures: Failures::default(),
            wanted_since: Some(Instant::now()),
        }
    }

    pub(super) fn is_confirmed(&self) -> bool {
        matches!(self.subscription, Subscription::Confirmed { .. })
    }

    pub(super) fn is_unwanted(&self) -> bool {
        self.listeners.is_empty() && self.joins.is_empty()
    }

    /// What Redis has to know at least, to be believed about the head.
    pub(super) fn claim(&self) -> Claim {
        let position = match &self.order {
            Order::Live(stream) => Some(stream.position()),
            Order::Opening(_) | Order::Ephemeral => None,
        };
        let sinces = self.joins.iter().filter_map(|pending| pending.join.since);
        position
            .into_iter()
            .chain(sinces)
            .fold(Claim::None, Claim::and)
    }

    /// Answers the joins that can be answered now, in the order they came. `check` is the comparison whose result has just
    /// been taken in, if that is the occasion.
    pub(super) fn settle(&mut self, check: Option<CheckNumber>) -> Vec<(ListenerId, Joined)> {
        let mut answers = Vec::new();
        let joins = std::mem::take(&mut self.joins);
        for pending in joins {
            match self.start_for(&pending, check) {
                Some(start) => answers.push(self.answer(pending.join, Ok(start))),
                None => self.joins.push(pending),
            }
        }
        answers
    }

    /// Refuses the joins that match.
    pub(super) fn refuse(
        &mut self,
        matches: impl Fn(&Pending) -> bool,
    ) -> Vec<(ListenerId, Joined)> {
        let joins = std::mem::take(&mut self.joins);
        let (refused, kept) = joins.into_iter().partition(|pending| matches(pending));
        self.joins = kept;
        let refused: Vec<Pending> = refused;
        let refuse = |pending: Pending| self.answer(pending.join, Err(JoinError::Unavailable));
        refused.into_iter().map(refuse).collect()
    }

    fn answer(&mut self, join: Join, outcome: Result<Start, JoinError>) -> (ListenerId, Joined) {
        if outcome.is_ok() {
            self.listeners.insert(join.listener);
        }
        let joined = Joined {
            channel: join.channel,
            token: join.token,
            outcome,
        };
        (join.listener, joined)
    }

    fn start_for(&self, pending: &Pending, check: Option<CheckNumber>) -> Option<Start> {
        match &self.order {
            Order::Ephemeral => self.is_confirmed().then_some(Start {
                position: None,
                replay: Replay::NotAsked,
            }),
            Order::Opening(_) => None,
            Order::Live(stream) => {
                let decided = check.is_some_and(|check| check > pending.checks_before);
                let position = stream.position();
                let replay = replay(pending.join.since, position, stream.reach(), decided)?;
                Some(Start {
                    position: Some(position),
                    replay,
                })
            }
        }
    }
}

/// What somebody missed who stood at `since`; `None` while it is open who is behind, he or we. `decided` says that the
/// log was asked after he came.
fn replay(
    since: Option<Position>,
    position: Position,
    reach: Offset,
    decided: bool,
) -> Option<Replay> {
    let Some(since) = since else {
        return Some(Replay::NotAsked);
    };
    if since.epoch == position.epoch {
        if since.offset == position.offset {
            return Some(Replay::Nothing);
        }
        if since.offset < position.offset {
            return Some(Replay::Range {
                after: since,
                through: position.offset,
            });
        }
        if since.offset <= reach {
            return None;
        }
    }
    decided.then_some(Replay::EpochChanged)
}

/// A head that Redis tells is believed when it contradicts nothing that is known; else the log decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// Nothing is known.
    None,
    /// Somebody has seen this.
    AtLeast(Position),
    /// Some say this epoch, some that.
    Disputed,
}

impl Claim {
    fn and(self, seen: Position) -> Self {
        match self {
            Self::None => Self::AtLeast(seen),
            Self::AtLeast(other) if other.epoch == seen.epoch => Self::AtLeast(Position {
                offset: seen.offset.max(other.offset),
                ..seen
            }),
            Self::AtLeast(_) | Self::Disputed => Self::Disputed,
        }
    }

    /// Whether a head agrees with it.
    pub(super) fn agrees(self, head: Position) -> bool {
        match self {
            Self::None => true,
            Self::AtLeast(seen) => seen.epoch == head.epoch && seen.offset <= head.offset,
            Self::Disputed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Epoch;

    fn at(epoch: u64, offset: Offset) -> Position {
        Position {
            epoch: Epoch::from_bits(epoch),
            offset,
        }
    }

    #[test]
    fn a_replay_is_what_lies_between() {
        let range = Replay::Range {
            after: at(1, 3),
            through: 10,
        };
        for (what, since, reach, decided, expected) in [
            ("not asked", None, 10, false, Some(Replay::NotAsked)),
            (
                "missed nothing",
                Some(at(1, 10)),
                10,
                false,
                Some(Replay::Nothing),
            ),
            ("missed some", Some(at(1, 3)), 10, false, Some(range)),
            (
                "ahead of us, we may be behind",
                Some(at(1, 12)),
                10,
                false,
                None,
            ),
            (
                "ahead of us, we are behind",
                Some(at(1, 12)),
                12,
                true,
                None,
            ),
            (
                "ahead of the log",
                Some(at(1, 12)),
                11,
                true,
                Some(Replay::EpochChanged),
            ),
            (
                "another epoch, whose is older?",
                Some(at(2, 3)),
                10,
                false,
                None,
            ),
            (
                "another epoch, his",
                Some(at(2, 3)),
                10,
                true,
                Some(Replay::EpochChanged),
            ),
        ] {
            assert_eq!(replay(since, at(1, 10), reach, decided), expected, "{what}");
        }
    }

    #[test]
    fn redis_is_believed_when_it_contradicts_nobody() {
        for (seen, head, expected) in [
            (vec![], at(1, 0), true),
            (vec![at(1, 5)], at(1, 5), true),
            (vec![at(1, 5), at(1, 7)], at(1, 6), false),
            (vec![at(1, 5)], at(2, 6), false),
            (vec![at(1, 5), at(2, 5)], at(1, 9), false),
        ] {
            let claim = seen.iter().copied().fold(Claim::None, Claim::and);
            assert_eq!(claim.agrees(head), expected, "{seen:?} {head:?}");
        }
    }
}
