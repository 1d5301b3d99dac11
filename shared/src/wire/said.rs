//! What gateways say and are told themselves (SPEC §4): data of the frames that no feature's event is, and fields of the
//! commands that are not handed to `api`.
//!
//! Here because the `AsyncAPI` document, which `api` writes, is made of these types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Channel, Offset, Position};
use crate::{
    ids::{ConversationId, GroupId, PostId, UserId},
    presence::{PresenceView, Seen},
};

/// Where a connection's stream of one channel starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelStart {
    /// The events that follow carry the offsets after this one.
    #[serde(flatten)]
    pub position: Position,
    /// Whether everything since the client's position follows; absent when the client gave none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<bool>,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

impl ChannelStart {
    /// Where the channel is now; the client asked for nothing before it.
    pub fn fresh(position: Position) -> Self {
        Self {
            position,
            recovered: None,
            reason: None,
        }
    }

    /// Everything since then follows.
    pub fn recovered(since: Position) -> Self {
        Self {
            position: since,
            recovered: Some(true),
            reason: None,
        }
    }

    /// Where the channel is now; what was before cannot be had.
    pub fn lost(position: Position, reason: &'static str) -> Self {
        Self {
            position,
            recovered: Some(false),
            reason: Some(reason),
        }
    }
}

/// Data of `welcome`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Welcome<'a> {
    /// The connection, in logs.
    pub connection_id: &'a str,
    /// Who it is.
    pub user_id: UserId,
    /// The gateway it is on.
    pub node: &'a str,
    /// Silence of twice this long is a broken connection.
    pub heartbeat_seconds: u64,
    /// When the token ends, in seconds since the Unix epoch.
    pub session_expires_at: i64,
    /// Good for a reconnect in place of a fresh access token.
    pub resume_token: &'a str,
    /// What is heard, and from where.
    pub channels: &'a BTreeMap<Channel, ChannelStart>,
}

/// Data of `session_expiring`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionExpiring {
    /// In seconds since the Unix epoch.
    pub expires_at: i64,
}

/// Data of `reconnect`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reconnect {
    /// Not sooner than this, in milliseconds.
    pub after_ms: u64,
}

/// Data of `close`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Close {
    /// As a close frame would have it.
    pub code: u16,
    /// What the code is called.
    pub name: &'static str,
    /// Not sooner than this, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// Data of `resync`: what was before these positions is to be read as state.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resync {
    /// The events that follow carry the offsets after these.
    pub channels: BTreeMap<Channel, Position>,
}

/// Data of `channels`: what is heard besides from now on, or is not any more.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Channels {
    /// The events that follow carry the offsets after these.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub joined: BTreeMap<Channel, Position>,
    /// Nothing more comes of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Channel>,
}

/// Data of `left_post`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LeftPost {
    /// Whose room.
    pub post_id: PostId,
    /// `deleted`, `no_access` or `unavailable`.
    pub reason: &'static str,
}

/// `heartbeat`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Heartbeat<'a> {
    /// Where channels end that have moved since they were last named.
    pub tops: &'a BTreeMap<Channel, Offset>,
}

/// Data of `user_connected` and `user_disconnected`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PresenceOfOne {
    /// Who.
    pub user_id: UserId,
    /// When they were last online, where that is known and they are not.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub last_seen: Option<Seen>,
}

/// Data of `presence_changed`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PresenceChanged<'a> {
    /// How they look now.
    pub users: &'a [PresenceView],
    /// There is more than can be told: ask.
    pub ask: bool,
    /// Not sooner than this, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<u64>,
}

/// Data of `typing_start` and `typing_stop`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Typing {
    /// Who types.
    pub user_id: UserId,
    /// In which direct conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// In which group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
}

/// Fields of `auth`, a connection's first frame.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Auth<'a> {
    /// An access token, a ticket or a resume token.
    pub token: String,
    /// The positions to resume from, by channel.
    #[serde(borrow, default)]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<BTreeMap<String, Position>>")
    )]
    pub resume: Option<&'a RawValue>,
}

/// Fields of `sync`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sync<'a> {
    /// What came after these positions is replayed.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, Position>"))]
    pub channels: &'a RawValue,
}

/// Fields of `ack`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ack {
    /// Everything up to this offset has come, by channel.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, u64>"))]
    pub channels: BTreeMap<Channel, Offset>,
}

/// Fields of `typing_start` and `typing_stop`: where somebody types, one of them.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TypingPlace {
    /// To a person.
    pub to: Option<UserId>,
    /// In a group.
    pub group_id: Option<GroupId>,
    /// In a conversation.
    pub conversation_id: Option<ConversationId>,
}

/// Fields of `join_post` and `leave_post`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomOfPost {
    /// Whose room.
    pub post_id: PostId,
}

/// Fields of `signal`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Signal<'a> {
    /// To whom.
    pub to: UserId,
    /// What is relayed as it is; 16 KiB at most.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Value"))]
    pub data: &'a RawValue,
}

/// Fields of `refresh`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refresh {
    /// A new access token of the same session.
    pub token: String,
}
