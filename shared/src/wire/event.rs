//! Events: what `api` writes to the log and publishes, and gateways hand to sockets.
//!
//! The JSON of an event is made once, by whoever creates it ([`EventBody`]). It lacks only what the log decides: id,
//! channel and offset. Those travel in a header line before it, so that a gateway routes, orders and classifies an event
//! without reading its JSON, and knows nothing of event types.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::{Channel, Epoch, Offset, Position};
use crate::{
    ids::{EventId, GroupId, UserId},
    telemetry::trace::TraceContext,
};

/// Names of the event types that both programs must agree on. Everything else is `api`'s business alone.
pub mod kind {
    /// Control, durable: a session was ended; its sockets close with 4004. Data: `{session_id}`.
    pub const SESSION_REVOKED: &str = "session_revoked";
    /// Control, durable, on the person's channel and the group's: somebody joined or left a group. Data:
    /// `{group_id, user_id, change, version, since}`, see `membership`.
    pub const MEMBERSHIP_CHANGED: &str = "membership_changed";
    /// Control, ephemeral: the person has too many connections; the oldest closes with 4008. Data: see `connections`.
    pub const CONNECTION_REPLACED: &str = "connection_replaced";
    /// Control, ephemeral, on the person's channel: an operator closes connections with 4003. Data: see `connections`.
    pub const DISCONNECT: &str = "disconnect";
    /// Control, durable, on the group's channel, as its last event. Data: `{group_id}`.
    pub const GROUP_DELETED: &str = "group_deleted";
    /// Control, durable, on the channels of those whom it is about: what they may see or do has changed, by a block, a
    /// friendship or a follow. Data: `{}`; with whom is nobody else's business.
    pub const ACCESS_CHANGED: &str = "access_changed";
    /// Control, ephemeral, on `broadcast`, for gateways alone: an account shows less than before, or nothing. Data:
    /// `{user_id}`.
    pub const ACCOUNT_CHANGED: &str = "account_changed";
    /// Control, ephemeral, on the post's channel, for gateways alone: there is no such post any more. Data: `{post_id}`.
    pub const POST_DELETED: &str = "post_deleted";
    /// Control, durable, on the channels of those whom it is about: who shows them that they are online has changed. Data:
    /// `{}`; who, is nobody else's business.
    pub const CONTACTS_CHANGED: &str = "contacts_changed";
    /// Control, ephemeral, on a person's channel, for gateways alone: somebody became a contact of theirs, or ceased to be
    /// one. Data: [`ContactChanged`](crate::presence::ContactChanged).
    pub const PRESENCE_CONTACT: &str = "presence_contact";
    /// Control, durable, on a person's own channel: others see whether they are online, or do not. Data:
    /// [`InvisibilityChanged`](crate::presence::InvisibilityChanged).
    pub const INVISIBILITY_CHANGED: &str = "invisibility_changed";
    /// Control, ephemeral, on a node's channel, for gateways alone. Data: [`News`](crate::presence::News).
    pub const PRESENCE_NEWS: &str = "presence_news";
    /// Ephemeral, on `broadcast` or a person's channel: what they have of a feature flag may have changed. Data: `{name}`.
    pub const FLAGS_CHANGED: &str = "flags_changed";
    /// Ephemeral, on `broadcast`: an operator's word to everybody who is connected. Data: [`Announcement`](crate::wire::Announcement).
    pub const BROADCAST: &str = "broadcast";
}

/// How an event is queued for a connection that is slower than its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// In the log, with an offset. Never dropped silently: a full queue closes the connection, resume brings it.
    Durable,
    /// Counts, presence, notices: only the newest of each key is worth sending.
    State,
    /// Typing and the like: dropped first.
    Chatter,
}

impl Class {
    const fn letter(self) -> &'static str {
        match self {
            Self::Durable => "d",
            Self::State => "s",
            Self::Chatter => "c",
        }
    }

    fn from_letter(letter: &str) -> Option<Self> {
        Some(match letter {
            "d" => Self::Durable,
            "s" => Self::State,
            "c" => Self::Chatter,
            _ => return None,
        })
    }
}

/// An event in one channel. Clones are cheap: text and body are shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Where it was published.
    pub channel: Channel,
    /// Its place in the channel's log; `None` for ephemeral events.
    pub position: Option<Position>,
    /// The same in every channel that carries the event: repeats are known by it.
    pub id: EventId,
    /// How it is queued.
    pub class: Class,
    /// Gateways act on it themselves, beside passing it on.
    pub control: bool,
    /// The event type, such as `private_message`.
    pub kind: Arc<str>,
    /// For [`Class::State`]: a newer event with the same key replaces this one in a queue.
    pub key: Option<Arc<str>>,
    /// When the change was committed, in milliseconds since the Unix epoch: delivery latency counts from here.
    pub committed_at_ms: i64,
    /// Where its delivery is recorded: the step that it comes after.
    pub trace: Option<TraceContext>,
    /// A JSON object: the envelope without `type`, `id`, `channel` and `offset`.
    pub body: Bytes,
}

/// A record from the bus or the log that is not one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed event record: {0}")]
pub struct InvalidRecord(&'static str);

/// First field of every record; raised when the header changes.
const RECORD_VERSION: &str = "h1";
/// Stands for an absent field.
const ABSENT: &str = "-";

impl Event {
    /// The offset of a durable event.
    pub fn offset(&self) -> Option<Offset> {
        self.position.map(|position| position.offset)
    }

    /// The bytes that travel over Redis and to gateways: one header line, then the body.
    ///
    /// `h1 <class>[!] <epoch|-> <offset|-> <id> <committed_at_ms> <kind> <key|->[ <traceparent>]\n<body>`, the channel being
    /// known from where the record was found. Fields that come later are passed over, as this one was by those before.
    pub fn to_record(&self) -> Bytes {
        let (epoch, offset) = match self.position {
            Some(Position { epoch, offset }) => (epoch.to_string(), offset.to_string()),
            None => (ABSENT.to_owned(), ABSENT.to_owned()),
        };
        let header = format!(
            "{RECORD_VERSION} {}{} {epoch} {offset} {} {} {} {}",
            self.class.letter(),
            if self.control { "!" } else { "" },
            self.id,
            self.committed_at_ms,
            self.kind,
            self.key.as_deref().unwrap_or(ABSENT),
        );
        let trace = self.trace.map(|trace| format!(" {trace}"));
        let trace = trace.as_deref().unwrap_or_default();
        [header.as_bytes(), trace.as_bytes(), b"\n", &self.body]
            .concat()
            .into()
    }

    /// Reads what [`Event::to_record`] wrote. The body is a copy: some events are kept for a minute, and each would keep all that
    /// was read together with it.
    pub fn from_record(channel: Channel, record: &[u8]) -> Result<Self, InvalidRecord> {
        let end = record
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or(InvalidRecord("no header line"))?;
        let header =
            std::str::from_utf8(&record[..end]).map_err(|_| InvalidRecord("header is not text"))?;
        let mut fields = header.split(' ');
        let mut next = || fields.next().ok_or(InvalidRecord("header too short"));
        if next()? != RECORD_VERSION {
            return Err(InvalidRecord("unknown version"));
        }
        let class = next()?;
        let (class, control) = match class.strip_suffix('!') {
            Some(class) => (class, true),
            None => (class, false),
        };
        Ok(Self {
            channel,
            class: Class::from_letter(class).ok_or(InvalidRecord("unknown class"))?,
            control,
            position: parse_position(next()?, next()?)?,
            id: next()?.parse().map_err(|_| InvalidRecord("bad id"))?,
            committed_at_ms: next()?.parse().map_err(|_| InvalidRecord("bad time"))?,
            kind: next()?.into(),
            key: Some(next()?).filter(|key| *key != ABSENT).map(Into::into),
            // Worth nothing to anybody but an onlooker, so no reason to refuse the event.
            trace: next().ok().and_then(|trace| trace.parse().ok()),
            body: Bytes::copy_from_slice(&record[end + 1..]),
        })
    }
}

fn parse_position(epoch: &str, offset: &str) -> Result<Option<Position>, InvalidRecord> {
    if offset == ABSENT {
        return Ok(None);
    }
    let epoch: Epoch = epoch.parse().map_err(|_| InvalidRecord("bad epoch"))?;
    let offset = offset.parse().map_err(|_| InvalidRecord("bad offset"))?;
    Ok(Some(Position { epoch, offset }))
}

/// The part of the envelope (SPEC §4) that is the same in every channel.
#[derive(Debug, Serialize)]
pub struct EventBody<'a, T: Serialize> {
    /// Unix seconds.
    pub timestamp: i64,
    /// Who caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_user_id: Option<UserId>,
    /// Whom it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_user_id: Option<UserId>,
    /// The group it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
    /// What the type says.
    pub data: &'a T,
}

impl<T: Serialize> EventBody<'_, T> {
    /// The JSON text.
    pub fn to_json(&self) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(self).map(Bytes::from)
    }
}
