//! What metrics are split by: closed sets, every one of them.

use std::collections::BTreeMap;

use shared::wire::{Channel, Class, CloseReason};

use crate::codec::native::ChannelStart;

/// How a handshake ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HandshakeResult {
    Ok,
    Unauthenticated,
    Forbidden,
    Origin,
    Malformed,
    Overload,
    Draining,
    Timeout,
    Error,
}

impl HandshakeResult {
    pub(super) const ALL: [Self; 9] = [
        Self::Ok,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Origin,
        Self::Malformed,
        Self::Overload,
        Self::Draining,
        Self::Timeout,
        Self::Error,
    ];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Origin => "origin",
            Self::Malformed => "malformed",
            Self::Overload => "overload",
            Self::Draining => "draining",
            Self::Timeout => "timeout",
            Self::Error => "error",
        }
    }
}

/// Which limit somebody met at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Handshakes of this node.
    Rate,
    /// Connections of this node.
    Full,
    /// Unauthenticated connections of this node.
    Strangers,
    /// Unauthenticated connections of one address.
    Address,
    /// Nothing was said in time, or not all of a request's head.
    Time,
}

impl Refused {
    pub(super) const ALL: [Self; 5] = [
        Self::Rate,
        Self::Full,
        Self::Strangers,
        Self::Address,
        Self::Time,
    ];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Full => "full",
            Self::Strangers => "strangers",
            Self::Address => "address",
            Self::Time => "time",
        }
    }
}

/// Why a node sends a client to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Departure {
    /// The node leaves.
    Drain,
    /// The connection is old: connections move to new nodes by themselves.
    Age,
    /// This node has more than its share.
    Rebalance,
}

impl Departure {
    pub(super) const ALL: [Self; 3] = [Self::Drain, Self::Age, Self::Rebalance];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Age => "age",
            Self::Rebalance => "rebalance",
        }
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Somebody said why.
    Closed(CloseReason),
    /// It was sent away.
    SentAway(Departure),
    /// Nobody said goodbye.
    Network,
}

impl End {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let closed = CloseReason::ALL.into_iter().map(Self::Closed);
        let sent_away = Departure::ALL.into_iter().map(Self::SentAway);
        closed.chain(sent_away).chain([Self::Network])
    }

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Closed(reason) => reason.name(),
            Self::SentAway(departure) => departure.label(),
            Self::Network => "network",
        }
    }
}

/// How a resume ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResumeResult {
    /// Everything since follows.
    Recovered,
    /// Of some channels.
    Partial,
    /// Of none: it was too long ago.
    TooOld,
    /// Of none: the log has begun anew.
    EpochChanged,
    /// It could not be found out.
    Error,
}

/// Where a replay came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReplaySource {
    /// This node had heard it just now.
    Ring,
    /// Redis, or the log.
    History,
}

impl ReplaySource {
    /// In the order of their numbers.
    pub(super) const ALL: [Self; 2] = [Self::Ring, Self::History];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::History => "history",
        }
    }
}

impl ResumeResult {
    pub(super) const ALL: [Self; 5] = [
        Self::Recovered,
        Self::Partial,
        Self::TooOld,
        Self::EpochChanged,
        Self::Error,
    ];

    /// `None` when nothing was asked for.
    pub(crate) fn of(starts: &BTreeMap<Channel, ChannelStart>) -> Option<Self> {
        let asked = || starts.values().filter_map(|start| start.recovered);
        let epoch_changed = || {
            starts
                .values()
                .any(|start| start.reason == Some("epoch_changed"))
        };
        match (
            asked().any(|recovered| recovered),
            asked().all(|recovered| recovered),
        ) {
            (false, true) => None,
            (true, true) => Some(Self::Recovered),
            (true, false) => Some(Self::Partial),
            (false, false) if epoch_changed() => Some(Self::EpochChanged),
            (false, false) => Some(Self::TooOld),
        }
    }

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Partial => "partial",
            Self::TooOld => "too_old",
            Self::EpochChanged => "epoch_changed",
            Self::Error => "error",
        }
    }
}

/// How a drained connection left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drained {
    /// By itself, after it was told.
    ClientLeft,
    /// It was closed after it was told.
    Closed,
    /// Time was over.
    Forced,
}

impl Drained {
    pub(super) const ALL: [Self; 3] = [Self::ClientLeft, Self::Closed, Self::Forced];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::ClientLeft => "client_left",
            Self::Closed => "closed",
            Self::Forced => "forced",
        }
    }
}

/// Why somebody did not get an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// A connection's queue had no room: the client is slow.
    QueueFull,
    /// A shard's inbox had none: the node is. Those who hear a durable event are closed, to resume.
    InboxFull,
    /// It has no form that clients could read.
    Encode,
}

impl Dropped {
    pub(super) const ALL: [Self; 3] = [Self::QueueFull, Self::InboxFull, Self::Encode];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::InboxFull => "inbox_full",
            Self::Encode => "encode",
        }
    }
}

pub(super) const CLASSES: [Class; 3] = [Class::Durable, Class::State, Class::Chatter];

pub(super) const fn class_label(class: Class) -> &'static str {
    match class {
        Class::Durable => "durable",
        Class::State => "state",
        Class::Chatter => "chatter",
    }
}

#[cfg(test)]
mod tests {
    use shared::wire::{Epoch, Position};

    use super::*;

    #[test]
    fn a_resume_ends_as_its_channels_did() {
        let position = Position {
            epoch: Epoch::from_bits(1),
            offset: 1,
        };
        let fresh = ChannelStart::fresh(position);
        let recovered = ChannelStart::recovered(position);
        let lost = |reason| ChannelStart::lost(position, reason);
        for (starts, expected) in [
            (vec![fresh], None),
            (vec![fresh, recovered], Some(ResumeResult::Recovered)),
            (
                vec![lost("expired"), recovered],
                Some(ResumeResult::Partial),
            ),
            (vec![lost("too_far"), fresh], Some(ResumeResult::TooOld)),
            (
                vec![lost("epoch_changed")],
                Some(ResumeResult::EpochChanged),
            ),
        ] {
            let channels = (1..).map(|id| format!("user:{id}").parse().unwrap());
            let starts = channels.zip(starts).collect();
            assert_eq!(ResumeResult::of(&starts), expected);
        }
    }
}
