//! Events that are published only: who is not there misses them.

use serde::{Deserialize, Serialize};

use super::{Channel, Class, Event, EventBody, kind};
use crate::ids::{EventId, GroupId, UserId};

/// An ephemeral event to be.
#[derive(Debug)]
pub struct Ephemeral<'a, T: Serialize> {
    /// Where it goes.
    pub channel: Channel,
    /// The event type, such as `typing_start`.
    pub kind: &'a str,
    /// How it is queued for slow connections; anything but [`Class::Durable`].
    pub class: Class,
    /// For [`Class::State`]: a newer one with the same key replaces it in a queue.
    pub key: Option<&'a str>,
    /// For gateways alone: they act on it, and pass it on to nobody.
    pub control: bool,
    /// Who caused it.
    pub from: Option<UserId>,
    /// Whom it is for.
    pub to: Option<UserId>,
    /// The group it belongs to.
    pub group: Option<GroupId>,
    /// What the type says.
    pub data: &'a T,
}

impl<T: Serialize> Ephemeral<'_, T> {
    /// The event, at this time in milliseconds since the Unix epoch. Fails only where the data cannot be JSON.
    pub fn at(&self, now_ms: i64) -> Result<Event, serde_json::Error> {
        let body = EventBody {
            timestamp: now_ms.div_euclid(1000),
            from_user_id: self.from,
            to_user_id: self.to,
            group_id: self.group,
            data: self.data,
        };
        Ok(Event {
            channel: self.channel,
            position: None,
            id: EventId::ephemeral(),
            class: self.class,
            control: self.control,
            kind: self.kind.into(),
            key: self.key.map(Into::into),
            committed_at_ms: now_ms,
            trace: None,
            body: body.to_json()?,
        })
    }
}

/// An operator's word to everybody who is connected: data of `broadcast`, said over a socket or over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Announcement {
    /// The text.
    pub content: String,
}

impl Announcement {
    /// Characters of the text at most; none is too few.
    pub const CONTENT_CHARACTERS_MAX: usize = 10_000;

    /// Whether the text can be told.
    pub fn is_valid(&self) -> bool {
        let characters = self.content.chars().count();
        !self.content.trim().is_empty() && characters <= Self::CONTENT_CHARACTERS_MAX
    }

    /// What everybody hears, from an admin or an operator at a terminal. Each has a key of its own, so that none takes
    /// another's place in a queue.
    pub fn event<'a>(&'a self, from: Option<UserId>, key: &'a str) -> Ephemeral<'a, Self> {
        Ephemeral {
            channel: Channel::Broadcast,
            kind: kind::BROADCAST,
            class: Class::State,
            key: Some(key),
            control: false,
            from,
            to: None,
            group: None,
            data: self,
        }
    }

    /// A key that no other has.
    pub fn key() -> String {
        format!("broadcast:{}", EventId::ephemeral())
    }
}
