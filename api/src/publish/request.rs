//! What can be asked to be published.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use shared::{ids::UserId, wire::Channel};

use crate::app::http::json::{Input, Wrong};

/// People that one request can be for.
pub(super) const USERS_MAX: usize = 1_000;
const TYPE_CHARACTERS_MAX: usize = 50;

/// An event, and for whom: people, a room, or everybody who is connected.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Publish {
    /// At most 1,000.
    #[serde(default)]
    #[schemars(length(max = 1_000))]
    pub(super) users: Option<Vec<UserId>>,
    /// `post:{id}`: those who are in the post's room; `group:{id}`: the group's members.
    #[serde(default)]
    pub(super) room: Option<Channel>,
    /// Everybody who is connected; where it is durable, everybody who is signed in, within minutes: 2,000 people a second.
    #[serde(default)]
    pub(super) broadcast: bool,
    /// Any type that is not the product's own.
    #[serde(rename = "type")]
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_.]{0,49}$"))]
    pub(super) kind: String,
    /// What the event says.
    pub(super) data: Map<String, Value>,
    /// Whether who is not connected gets it later. Not for the room of a post, which is who is there and has no log.
    #[serde(default)]
    pub(super) durable: bool,
}

impl Input for Publish {
    fn check(&self, wrong: &mut Wrong) {
        let users = self.users.as_deref();
        let targets = [users.is_some(), self.room.is_some(), self.broadcast];
        if targets.iter().filter(|is_one| **is_one).count() != 1 {
            let message = "one of users, room and broadcast";
            wrong.field("users", "required", message);
        }
        if users.is_some_and(|users| users.is_empty() || users.len() > USERS_MAX) {
            let message = format!("1 to {USERS_MAX} people");
            wrong.field("users", "out_of_range", message);
        }
        let is_room = |room: &Channel| matches!(room, Channel::Post(_) | Channel::Group(_));
        if !self.room.as_ref().is_none_or(is_room) {
            wrong.field("room", "invalid", "post:ID or group:ID");
        } else if self.durable && self.room.is_some_and(|room| !room.is_durable()) {
            let message = "the room of a post has no log";
            wrong.field("durable", "no_log", message);
        }
        check_kind(&self.kind, wrong);
    }
}

fn check_kind(kind: &str, wrong: &mut Wrong) {
    let mut bytes = kind.bytes();
    let begins = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
    if !begins || kind.len() > TYPE_CHARACTERS_MAX || !bytes.all(is_plain) {
        let message = "a letter, then a-z, 0-9, _ and .; at most 50 characters";
        wrong.field("type", "invalid", message);
    } else if RESERVED.contains(&kind) {
        wrong.field("type", "reserved", "this type is the product's own");
    }
}

/// Types that clients take from the product alone, besides the features' durable events: frames of the protocol, what is
/// never stored, and the names that these have for Socket.IO.
const RESERVED: &[&str] = &[
    "ack",
    "auth",
    "broadcast",
    "channel_left",
    "close",
    "comment_count",
    "connection_replaced",
    "account_changed",
    "error",
    "event_attendance",
    "feed_update_available",
    "flags_changed",
    "group_content_update",
    "heartbeat",
    "left_post",
    "like_count",
    "new_comment",
    "new_comments_available",
    "new_message",
    "new_notification",
    "new_post",
    "new_posts_available",
    "ping",
    "pong",
    "post_deleted",
    "presence_changed",
    "presence_contact",
    "presence_news",
    "presence_state",
    "reaction_count",
    "reconnect",
    "resync",
    "session_expiring",
    "signal",
    "typing_start",
    "typing_stop",
    "user_connected",
    "user_disconnected",
    "user_offline",
    "user_online",
    "user_stop_typing",
    "user_typing",
    "welcome",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features;

    /// The first column of the table of events.
    fn documented() -> Vec<&'static str> {
        let text = include_str!("../../../docs/protocol.md");
        let (_, events) = text.split_once("\n## Events").expect("a section of events");
        let (events, _) = events.split_once("\n## ").unwrap_or((events, ""));
        let rows = events.lines().filter(|line| line.starts_with("| `"));
        let names = rows.filter_map(|row| row.split('|').nth(1));
        let names = names.flat_map(|names| names.split(','));
        names.map(|name| name.trim().trim_matches('`')).collect()
    }

    #[test]
    fn what_clients_take_from_the_product_is_reserved() {
        let features = features();
        let events = features.iter().flat_map(|feature| feature.events);
        let events = events.chain(crate::app::access::EVENTS);
        let events = events.map(|event| event.name);
        let reserved: Vec<&str> = events.chain(RESERVED.iter().copied()).collect();
        let documented = documented();
        assert!(documented.len() > 40, "{documented:?}");
        for name in documented {
            assert!(reserved.contains(&name), "{name} can be published");
        }
    }
}
