//! Packets as they come: Engine.IO's one letter, and Socket.IO's `<type>[<attachments>-][<namespace>,][<id>][<JSON>]`.

use serde::de::IgnoredAny;
use serde_json::Value;

/// What a text of Engine.IO says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine<'a> {
    Close,
    /// The client's ping is a probe, before an upgrade; else the direction is wrong.
    Ping(&'a str),
    Pong,
    Message(&'a str),
    Upgrade,
    Noop,
}

/// A text that is no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no packet")]
pub(crate) struct InvalidPacket;

impl<'a> Engine<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, InvalidPacket> {
        let (letter, rest) = text.split_at_checked(1).ok_or(InvalidPacket)?;
        Ok(match letter {
            "1" => Self::Close,
            "2" => Self::Ping(rest),
            "3" => Self::Pong,
            "4" => Self::Message(rest),
            "5" => Self::Upgrade,
            "6" => Self::Noop,
            _ => return Err(InvalidPacket),
        })
    }
}

/// What a Socket.IO packet is for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// With the authentication's payload, `{}` where there is none.
    Connect(Value),
    Disconnect,
    Event {
        name: String,
        arguments: Vec<Value>,
    },
    /// An event whose JSON is JavaScript's alone: half a character, say, which is no text here.
    Illegible,
    /// With whatever arguments.
    Ack,
}

/// A Socket.IO packet without the attachments that follow it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packet<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) kind: Kind,
    /// Of an event that asks for an acknowledgement, or of the acknowledgement.
    pub(crate) id: Option<u64>,
    /// Binary messages that belong to it.
    pub(crate) attachments: usize,
}

/// More binary messages than this belong to no packet.
pub(crate) const ATTACHMENTS_MAX: usize = 16;
/// A longer one would be sent back whole.
const NAMESPACE_BYTES_MAX: usize = 128;
/// What a number is in JavaScript.
const ID_MAX: u64 = (1 << 53) - 1;

/// Names that are not for events.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

impl<'a> Packet<'a> {
    /// Reads what follows the `4` of Engine.IO.
    pub(crate) fn parse(text: &'a str) -> Result<Self, InvalidPacket> {
        let (letter, rest) = text.split_at_checked(1).ok_or(InvalidPacket)?;
        let (attachments, rest) = match letter {
            "5" | "6" => attachments(rest)?,
            _ => (0, rest),
        };
        let (namespace, rest) = namespace(rest)?;
        let (id, data) = id(rest)?;
        let kind = match letter {
            "0" => connect(data)?,
            "1" if data.is_empty() => Kind::Disconnect,
            "2" | "5" => event(data)?,
            "3" | "6" if data.is_empty() || is_array(data) => Kind::Ack,
            _ => return Err(InvalidPacket),
        };
        Ok(Self {
            namespace,
            kind,
            id,
            attachments,
        })
    }
}

fn attachments(text: &str) -> Result<(usize, &str), InvalidPacket> {
    let (count, rest) = text.split_once('-').ok_or(InvalidPacket)?;
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let count = is_number.then(|| count.parse().ok()).flatten();
    let count = count.filter(|count| (1..=ATTACHMENTS_MAX).contains(count));
    Ok((count.ok_or(InvalidPacket)?, rest))
}

fn namespace(text: &str) -> Result<(&str, &str), InvalidPacket> {
    if !text.starts_with('/') {
        return Ok(("/", text));
    }
    let (namespace, rest) = text.split_once(',').unwrap_or((text, ""));
    if namespace.len() > NAMESPACE_BYTES_MAX {
        return Err(InvalidPacket);
    }
    Ok((namespace, rest))
}

fn id(text: &str) -> Result<(Option<u64>, &str), InvalidPacket> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    if end == 0 {
        return Ok((None, text));
    }
    let (digits, rest) = text.split_at(end);
    let id: u64 = digits.parse().map_err(|_| InvalidPacket)?;
    if id > ID_MAX {
        return Err(InvalidPacket);
    }
    Ok((Some(id), rest))
}

fn connect(data: &str) -> Result<Kind, InvalidPacket> {
    let auth = match data {
        "" => Value::Object(serde_json::Map::new()),
        json => serde_json::from_str(json).map_err(|_| InvalidPacket)?,
    };
    if !auth.is_object() {
        return Err(InvalidPacket);
    }
    Ok(Kind::Connect(auth))
}

/// A name may be a number, and may be missing with everything else: that one is known to nobody.
fn event(data: &str) -> Result<Kind, InvalidPacket> {
    let arguments: Vec<Value> = match serde_json::from_str(data) {
        Ok(arguments) => arguments,
        Err(_) if data.is_empty() => vec!["".into()],
        Err(_) if is_array(data) => return Ok(Kind::Illegible),
        Err(_) => return Err(InvalidPacket),
    };
    let mut arguments = arguments.into_iter();
    let name = match arguments.next() {
        Some(Value::String(name)) if !RESERVED.contains(&&*name) => name,
        Some(Value::Number(name)) => name.to_string(),
        _ => return Err(InvalidPacket),
    };
    Ok(Kind::Event {
        name,
        arguments: arguments.collect(),
    })
}

fn is_array(data: &str) -> bool {
    serde_json::from_str::<Vec<IgnoredAny>>(data).is_ok()
}
