//! Which groups somebody is in, for gateways: a mirror in Redis of what PostgreSQL knows (`mirror.rs`).
//!
//! Every change of a membership is a durable control event on the person's own channel. A reader who has joined that channel
//! at some position takes only a mirror that is not older, and applies the events that follow.
//!
//! **Which events those are** is said by a version, a number for each person that every change counts up: it is in what is
//! read, and in every event. An event whose version was counted in already changes nothing.
//!
//! **Who is removed hears nothing more**, because the same event is on the group's channel too, in whose order no message
//! from after the removal comes before it. **Who joins hears everything since**: the event carries the group's head as the
//! transaction saw it, which lies before the event.

use std::{future::Future, pin::Pin, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    bus::{Bus, BusError},
    credentials::{Revocations, Standing},
    ids::{GroupId, SessionId, UserId},
    mirror::{self, Mirrored},
    wire::{Offset, Position},
};

/// The groups that one person can be in: each is a subscription, and a line of every `welcome`.
pub const GROUPS_MAX: usize = 200;

/// What somebody is a member of, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memberships {
    /// Counts the changes up to that moment.
    pub version: i64,
    /// The groups, in ascending order.
    pub groups: Vec<GroupId>,
}

/// What Redis knows of somebody who comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtTheDoor {
    /// The head of the person's channel, read before the rest: what it says is not older than that. `None` where Redis does
    /// not know the head.
    pub at: Option<Position>,
    /// Whether the session stands. Its end is marked before it is published, so an end at or before `at` is known here.
    pub standing: Standing,
    /// The memberships as of `at`; `None` where PostgreSQL has to be asked.
    pub memberships: Option<Memberships>,
}

impl AtTheDoor {
    /// Whether nothing was said on the person's channel between this and `joined_at`, where it is heard from.
    pub fn is_as_of(&self, joined_at: Position) -> bool {
        self.at.is_some_and(|at| reaches(at, joined_at))
    }
}

fn reaches(at: Position, since: Position) -> bool {
    at.epoch == since.epoch && at.offset >= since.offset
}

/// What a [`MembershipSource`] answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipsAt {
    /// The memberships.
    #[serde(flatten)]
    pub memberships: Memberships,
    /// The head of the person's channel in the same snapshot.
    pub at: Position,
}

impl MembershipsAt {
    /// Whether whoever hears the person's channel from `since` on misses no change.
    pub fn is_as_of(&self, since: Position) -> bool {
        reaches(self.at, since)
    }
}

/// Data of `membership_changed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MembershipChanged {
    /// Which group.
    pub group_id: GroupId,
    /// Whose membership.
    pub user_id: UserId,
    /// Which way.
    pub change: Change,
    /// Counts this change in.
    pub version: i64,
    /// An offset of the group's channel before this event's: whoever joins hears what comes after it.
    pub since: Offset,
}

/// Which way a membership changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Change {
    /// Is a member now.
    Joined,
    /// Is none any more.
    Left,
}

/// Neither Redis nor PostgreSQL could be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("memberships are not known now: {0}")]
pub struct MembershipsUnknown(pub String);

/// What a [`MembershipSource`] returns.
pub type MembershipsFuture<'a> =
    Pin<Box<dyn Future<Output = Result<MembershipsAt, MembershipsUnknown>> + Send + 'a>>;

/// Who knows the truth.
pub trait MembershipSource: Send + Sync + 'static {
    /// The memberships and the head of the person's channel, out of one snapshot.
    fn memberships(&self, user: UserId) -> MembershipsFuture<'_>;
}

/// The mirror, with the truth behind it.
#[derive(Clone)]
pub struct MembershipMirror {
    bus: Bus,
    source: Arc<dyn MembershipSource>,
}

impl MembershipMirror {
    /// A mirror in this Redis.
    pub fn new(bus: Bus, source: Arc<dyn MembershipSource>) -> Self {
        Self { bus, source }
    }

    /// What is asked about somebody who comes in, in one round trip.
    pub async fn at_the_door(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<AtTheDoor, BusError> {
        let marks = Revocations::asked(session);
        let (at, memberships, found) = mirror::look_up_with_marks(&self.bus, user, &marks).await?;
        Ok(AtTheDoor {
            at,
            standing: Revocations::read(&found),
            memberships,
        })
    }

    /// The memberships as of `since` or later: whoever hears the person's channel from there on misses no change.
    pub async fn read(
        &self,
        user: UserId,
        since: Position,
    ) -> Result<Memberships, MembershipsUnknown> {
        match mirror::look_up(&self.bus, &[user]).await.as_deref_mut() {
            Ok([read]) => {
                if let Some((at, memberships)) = read.take() {
                    let read = MembershipsAt { memberships, at };
                    if read.is_as_of(since) {
                        return Ok(read.memberships);
                    }
                }
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "asking for memberships past Redis"),
        }
        let MembershipsAt { memberships, at } = self.source.memberships(user).await?;
        mirror::keep(&self.bus, [(user, at, &memberships)].into_iter()).await;
        Ok(memberships)
    }
}

impl Mirrored for Memberships {
    const NAME: &'static str = "memberships";

    /// The version and the groups, apart by spaces.
    fn spell(&self) -> String {
        let mut text = self.version.to_string();
        for group in &self.groups {
            text.push(' ');
            text.push_str(&group.to_string());
        }
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let version = words.next()?.parse().ok()?;
        let groups = words.map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Self { version, groups })
    }
}

#[cfg(test)]
mod tests;
