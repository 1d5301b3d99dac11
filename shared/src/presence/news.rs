//! What nodes tell each other, and what people see.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    connections::Name,
    ids::UserId,
    wire::{Channel, Class, Ephemeral, Event, kind},
};

/// When somebody was last online, in milliseconds since the Unix epoch; shown as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen(pub i64);

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH);
        serializer.collect_str(&format_args!("{time:.3}"))
    }
}

/// How somebody looks to somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PresenceView {
    /// Who.
    pub user_id: UserId,
    /// Whether they are online. Nobody is, to those who may not know.
    pub online: bool,
    /// When they were last online, where that is known and they are not.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub last_seen: Option<Seen>,
}

/// Somebody is online, or is not any more, and these people are to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Who.
    pub user_id: UserId,
    /// Whether they are online now.
    pub online: bool,
    /// When they went, in milliseconds since the Unix epoch.
    pub last_seen_ms: Option<i64>,
    /// Whom to tell.
    pub viewers: Vec<UserId>,
}

/// What one node tells another at once: at most one message a second.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// Changes, each with its viewers on that node.
    #[serde(default)]
    pub told: Vec<Told>,
    /// People for whom there is too much to be told one by one: they are to ask.
    #[serde(default)]
    pub ask: Vec<UserId>,
    /// Everybody on that node is to ask.
    #[serde(default)]
    pub ask_all: bool,
}

impl News {
    /// The event for that node.
    pub fn event(&self, node: Name, now_ms: i64) -> Event {
        let event = Ephemeral {
            channel: Channel::Node(node),
            kind: kind::PRESENCE_NEWS,
            class: Class::State,
            key: None,
            control: true,
            from: None,
            to: None,
            group: None,
            data: self,
        };
        let event = event.at(now_ms);
        event.expect("numbers and lists always serialise")
    }
}

/// Data of [`kind::PRESENCE_CONTACT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactChanged {
    /// Who became a contact of the channel's person, or ceased to be one.
    pub user_id: UserId,
    /// Is one now.
    pub contact: bool,
}

/// Data of [`kind::INVISIBILITY_CHANGED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvisibilityChanged {
    /// Looks offline to everybody from now on.
    pub invisible: bool,
}

/// When somebody was last online, as gateways report it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSeen {
    /// Who.
    pub user_id: UserId,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}
