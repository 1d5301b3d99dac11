//! Who is online, and who may be told.
//!
//! **A node has one lease**, and whoever is present on it is online as long as the lease stands. Nothing is renewed for each
//! person. In Redis:
//!
//! | key | holds |
//! |---|---|
//! | `{nodes}:leases` | every node by the end of its lease |
//! | `{nodes}:life` | when this began; another after Redis lost everything |
//! | `{p<k>}:present` | for each person of the partition, the nodes that have them |
//! | `people:<node>` | who is present on a node: for those who clear up after it |
//!
//! A person is online if one of their nodes has a lease: a crashed node's people are offline for every reader when its lease
//! ends, without anybody doing anything. Until its people were told of, and its entries were taken away by whoever claimed
//! to do it, the node stays among the leases: *known* nodes decide whether somebody's coming or going is news, *living* ones
//! whether somebody is online.
//!
//! **A name is used for one lease.** A node that was out of reach for longer than its lease comes back under a new name:
//! somebody may be clearing up after the old one.
//!
//! **Unknown is a third answer.** Without Redis nothing is known. After a Redis that lost everything was filled for less than
//! [`SETTLING`], not all nodes may have told whom they have.
//!
//! Who may be told of whom is said by [`Contacts`].

mod contacts;
mod leases;
mod news;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::{
    bus::{Bus, BusError},
    connections::Name,
    ids::UserId,
};

pub use contacts::{
    CONTACTS_MAX, ContactSource, Contacts, ContactsAt, ContactsFuture, ContactsMirror,
    ContactsUnknown, PEOPLE_PER_QUESTION_MAX,
};
pub use leases::{Leases, Life, Renewal};
pub use news::{ContactChanged, InvisibilityChanged, LastSeen, News, PresenceView, Seen, Told};

/// What nodes wrote is kept for so long after the last lease was renewed.
pub(crate) const KEPT: Duration = Duration::from_hours(24);
/// After so long every node has noticed that Redis lost what it had, and has told it again: a renewal and an answer's wait,
/// twice over.
pub const SETTLING: Duration = Duration::from_secs(5);
/// A node that claimed to clear up after another has so long until somebody else may.
const CLAIM: Duration = Duration::from_secs(30);

/// Somebody has come to a node or has left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attendance {
    /// Who.
    pub user_id: UserId,
    /// Has come, and not left.
    pub is_present: bool,
}

/// What became of an [`Attendance`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// No other node has the person: others are to be told.
    Nowhere,
    /// Another node has them.
    Somewhere,
    /// No node has them, and this one had not: nothing has changed, unless it was tried before and no answer came.
    NotEvenHere,
}

impl Elsewhere {
    /// From what `attend.lua` returns.
    pub(crate) fn from_number(number: i64) -> Self {
        match number {
            0 => Self::Nowhere,
            1.. => Self::Somewhere,
            _ => Self::NotEvenHere,
        }
    }
}

/// Nobody can say now who is online.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PresenceUnknown {
    /// Redis does not answer.
    #[error(transparent)]
    Unavailable(#[from] BusError),
    /// Redis has lost what it had, and not every node has told it again.
    #[error("nodes have not told yet who is online")]
    Settling,
}

/// Who is online, as Redis has it. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Presence {
    bus: Bus,
}

impl Presence {
    /// On this Redis.
    pub fn new(bus: Bus) -> Self {
        Self { bus }
    }

    /// Renews a node's lease, in one command; or takes its first, where `life` is `None`.
    pub async fn renew(
        &self,
        node: Name,
        lease: Duration,
        life: Option<Life>,
    ) -> Result<Renewal, BusError> {
        self.bus.renew_lease(node, lease, life).await
    }

    /// Writes down who came to `node` and who left it, in the order given; `others` are the other known nodes.
    pub async fn attend(
        &self,
        (node, others): (Name, &[Name]),
        attendances: &[Attendance],
    ) -> Result<Vec<Elsewhere>, BusError> {
        self.bus.attend((node, others), attendances).await
    }

    /// Claims to clear up after a node whose lease has ended: true for one of those who ask.
    pub async fn claim(&self, node: Name) -> Result<bool, BusError> {
        self.bus.claim(&format!("presence:{node}"), CLAIM).await
    }

    /// Some of those whom a node has listed; when there are none left, the node is struck off.
    pub async fn people(&self, node: Name) -> Result<Vec<UserId>, BusError> {
        let people = self.bus.people(node).await?;
        if people.is_empty() {
            self.bus.forget_node(node).await?;
        }
        Ok(people)
    }

    /// On which nodes each of these people is listed, whether these live or not.
    pub async fn nodes(&self, people: &[UserId]) -> Result<Vec<Vec<Name>>, BusError> {
        self.bus.present(people).await
    }

    /// Whether each of these people is online.
    pub async fn online(&self, people: &[UserId]) -> Result<Vec<bool>, PresenceUnknown> {
        let leases = self.bus.leases().await?;
        let leases = leases.filter(Leases::are_settled);
        let living = leases.ok_or(PresenceUnknown::Settling)?.living();
        let nodes = self.bus.present(people).await?;
        let online = nodes
            .iter()
            .map(|nodes| nodes.iter().any(|node| living.contains(node)));
        Ok(online.collect())
    }
}

#[cfg(any(test, feature = "testing"))]
impl Presence {
    /// As if everybody had had the time to tell whom they have. Before the first lease is taken.
    pub async fn settle(&self) -> Result<(), BusError> {
        self.bus.begin_life_at(1).await
    }
}
