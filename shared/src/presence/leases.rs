//! Which nodes there are, and which of them live.

use std::{fmt, str::FromStr};

use super::SETTLING;
use crate::connections::Name;

/// A life of the presence in Redis: when it began, in milliseconds since the Unix epoch by Redis' clock. Another begins
/// when Redis has lost everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life(i64);

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The leases of all known nodes, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leases {
    life: Life,
    now_ms: i64,
    /// With the end of each.
    nodes: Vec<(Name, i64)>,
}

impl Leases {
    /// From what Redis answers: names and ends by turns. `None` where something else stands.
    pub(crate) fn read(life: &str, now_ms: i64, words: &[String]) -> Option<Self> {
        let nodes = words.chunks(2).map(|pair| {
            let [name, ends] = pair else { return None };
            Some((Name::from_str(name).ok()?, ends.parse().ok()?))
        });
        Some(Self {
            life: Life(life.parse().ok()?),
            now_ms,
            nodes: nodes.collect::<Option<_>>()?,
        })
    }

    /// Which life they are of.
    pub fn life(&self) -> Life {
        self.life
    }

    /// Whether every node has had the time to tell whom it has.
    pub fn are_settled(&self) -> bool {
        let age_ms = self.now_ms.saturating_sub(self.life.0);
        u128::try_from(age_ms).is_ok_and(|age_ms| age_ms >= SETTLING.as_millis())
    }

    /// Nodes whose lease stands.
    pub fn living(&self) -> Vec<Name> {
        let living = self.nodes.iter().filter(|(_, ends)| *ends > self.now_ms);
        living.map(|(name, _)| *name).collect()
    }

    /// Nodes whose lease has ended and after whom nobody has cleared up, with its end in milliseconds since the Unix epoch.
    pub fn ended(&self) -> impl Iterator<Item = (Name, i64)> {
        let ended = self.nodes.iter().filter(|(_, ends)| *ends <= self.now_ms);
        ended.copied()
    }

    /// All known nodes but this one.
    pub fn known_besides(&self, node: Name) -> Vec<Name> {
        let names = self.nodes.iter().map(|(name, _)| *name);
        names.filter(|name| *name != node).collect()
    }
}

/// What became of a renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// The lease goes on.
    Kept(Leases),
    /// There was none in this life, and now there is: whoever was listed under an earlier life is listed no more.
    New(Leases),
    /// The lease had ended; others may be clearing up. Come back under a new name.
    Lost,
}
