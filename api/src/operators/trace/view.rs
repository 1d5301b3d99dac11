//! A trace, as admins see it.

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{EventId, UserId},
    ledger::{DropReason, Line, Milestone},
    wire::{Channel, Offset},
};

use super::verdict::Verdict;
use crate::app::time::Time;

/// An event from its commit to the sockets.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TraceView {
    pub(super) event_id: EventId,
    /// Its type; null for what is not in the log: ephemeral, or older than the log is kept.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) committed_at: Option<Time>,
    /// Where it went; at most 1,000 of them.
    pub(super) channels: Vec<ChannelView>,
    /// What became of it on the connections of people who are traced.
    pub(super) deliveries: Vec<DeliveryView>,
    /// Whether the person who was asked about got it, and if not, why.
    pub(super) about: Option<AboutUser>,
}

/// Its place in a channel.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ChannelView {
    pub(super) channel: Channel,
    pub(super) offset: Offset,
    /// Null where Redis is away, or knows nothing of the channel.
    pub(super) is_published: Option<bool>,
}

/// A milestone on one connection.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DeliveryView {
    at: Option<Time>,
    node: String,
    user_id: UserId,
    connection_id: String,
    milestone: Milestone,
    reason: Option<DropReason>,
}

impl From<Line> for DeliveryView {
    fn from(line: Line) -> Self {
        Self {
            at: Time::from_millisecond(line.at_ms),
            node: line.node,
            user_id: line.user_id,
            connection_id: line.connection_id.to_string(),
            milestone: line.milestone,
            reason: line.reason,
        }
    }
}

/// How it is between the event and one person.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AboutUser {
    pub(super) user_id: UserId,
    /// Whether it was for them, by a channel of theirs or a group that they are in now.
    pub(super) is_addressed: bool,
    /// Whether what they are delivered is written down now.
    pub(super) is_traced: bool,
    /// Open now, on all nodes; null where Redis is away.
    pub(super) connections: Option<usize>,
    pub(super) verdict: Verdict,
    /// The verdict in words.
    pub(super) explanation: &'static str,
}
