//! Which groups somebody is in, for gateways: a mirror in Redis of what PostgreSQL knows.
//!
//! **It is rebuilt when it is missing**, from PostgreSQL, through a [`MembershipSource`]. "Redis does not know" is never
//! taken for "in no group".
//!
//! **It cannot stay wrong.** Every change of a membership is a durable control event on the person's own channel, written
//! by the transaction of the change; so PostgreSQL knows which offset of that channel the memberships belong to. The
//! mirror is tied to the channel's head in Redis and is true exactly as of it:
//!
//! - it is kept only if the head in Redis is the offset that it was read at (`lua/mirror.lua`);
//! - the script that appends a control event to the channel forgets it, in the same step that moves the head
//!   (`lua/append.lua`); so does whatever moves the head in another way than one by one. Other events move the head and
//!   change no membership. Who appends, the pod that committed or the relay after its death, makes no difference;
//! - without a head it counts for nothing, so a Redis that lost one of the two has lost both.
//!
//! A change that is committed and not yet published leaves the mirror behind by that change, and by the head too: a reader
//! who has joined the person's channel at some position takes only a mirror that is not older, and applies the events that
//! follow.
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
    bus::Bus,
    ids::{GroupId, UserId},
    wire::{Channel, Offset, Position},
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

/// What a [`MembershipSource`] answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipsAt {
    /// The memberships.
    #[serde(flatten)]
    pub memberships: Memberships,
    /// The head of the person's channel in the same snapshot.
    pub at: Position,
}

/// Data of `membership_changed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

    /// The memberships as of `since` or later: whoever hears the person's channel from there on misses no change.
    pub async fn read(
        &self,
        user: UserId,
        since: Position,
    ) -> Result<Memberships, MembershipsUnknown> {
        let channel = Channel::User(user);
        match self.bus.mirror(channel).await {
            Ok(Some((at, text))) if at.epoch == since.epoch && at.offset >= since.offset => {
                if let Some(memberships) = parse(&text) {
                    return Ok(memberships);
                }
                tracing::error!(%channel, "the mirror of memberships is unreadable");
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "asking for memberships past Redis"),
        }
        let MembershipsAt { memberships, at } = self.source.memberships(user).await?;
        // Whoever comes next asks again, if this fails.
        if let Err(error) = self
            .bus
            .store_mirror(channel, at, &spell(&memberships))
            .await
        {
            tracing::debug!(%error, "memberships are not mirrored");
        }
        Ok(memberships)
    }
}

/// The version and the groups, apart by spaces.
fn spell(memberships: &Memberships) -> String {
    let mut text = memberships.version.to_string();
    for group in &memberships.groups {
        text.push(' ');
        text.push_str(&group.to_string());
    }
    text
}

fn parse(text: &str) -> Option<Memberships> {
    let mut words = text.split(' ');
    let version = words.next()?.parse().ok()?;
    let groups = words.map(str::parse).collect::<Result<_, _>>().ok()?;
    Some(Memberships { version, groups })
}

#[cfg(test)]
mod tests;
