//! Channel names: the one place that spells them (SPEC §6).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    connections::Name,
    ids::{GroupId, PostId, UserId},
};

/// A stream of events that connections listen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// `user:{id}`: everything addressed to one person.
    User(UserId),
    /// `group:{id}`: everything addressed to a group's members.
    Group(GroupId),
    /// `post:{id}`: the live room of a post.
    Post(PostId),
    /// `node:{name}`: what gateways say to one run of a gateway. No client ever hears it.
    Node(Name),
    /// `broadcast`: everybody who is connected.
    Broadcast,
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Channel {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Channel".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^(user|group|post):[0-9]+$|^broadcast$"})
    }
}

impl Channel {
    /// Whether the channel carries durable events, and so has a log and positions.
    pub const fn is_durable(self) -> bool {
        matches!(self, Self::User(_) | Self::Group(_))
    }
}

/// A text that names no channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a channel is user:ID, group:ID, post:ID or broadcast")]
pub struct InvalidChannel;

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Group(id) => write!(f, "group:{id}"),
            Self::Post(id) => write!(f, "post:{id}"),
            Self::Node(name) => write!(f, "node:{name}"),
            Self::Broadcast => f.write_str("broadcast"),
        }
    }
}

impl FromStr for Channel {
    type Err = InvalidChannel;

    fn from_str(text: &str) -> Result<Self, InvalidChannel> {
        if text == "broadcast" {
            return Ok(Self::Broadcast);
        }
        let (kind, id) = text.split_once(':').ok_or(InvalidChannel)?;
        match kind {
            "user" => id.parse().map(Self::User),
            "group" => id.parse().map(Self::Group),
            "post" => id.parse().map(Self::Post),
            "node" => return name(id),
            _ => return Err(InvalidChannel),
        }
        .map_err(|_| InvalidChannel)
    }
}

fn name(text: &str) -> Result<Channel, InvalidChannel> {
    let name = text.parse();
    name.map(Channel::Node).map_err(|_| InvalidChannel)
}

impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Channel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
