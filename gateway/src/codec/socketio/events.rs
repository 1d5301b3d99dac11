//! Events on their way to clients of Socket.IO, by the table of names and shapes (`shared::wire::socketio`).

use bytes::Bytes;
use serde_json::{Map, Value, json};
use shared::wire::{
    Event,
    socketio::{self, Shape},
};

use super::spelling::{camel, text_of_id};
use crate::codec::Frame;

/// What a listener is given.
#[derive(Debug)]
pub(super) enum Argument {
    Payload(Value),
    /// A bare text.
    Id(Value),
}

/// An event in the bytes that all connections share.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// Durable: the packet up to where each connection's offset belongs.
    Open(Bytes),
    /// Whole frames.
    Frames(Bytes),
}

impl Told {
    pub(crate) fn of(event: &Event) -> Self {
        let body: Value = serde_json::from_slice(&event.body).unwrap_or_default();
        let told = tell(event, &body);
        match told.as_slice() {
            [(name, argument)] if event.position.is_some() => Self::Open(open(name, argument)),
            told => {
                let frames = told
                    .iter()
                    .map(|(name, argument)| complete(name, argument).bytes().clone());
                Self::Frames(frames.collect::<Vec<_>>().concat().into())
            }
        }
    }

    /// The same in memory of its own.
    pub(crate) fn apart(&self) -> Self {
        match self {
            Self::Open(bytes) => Self::Open(Bytes::copy_from_slice(bytes)),
            Self::Frames(bytes) => Self::Frames(Bytes::copy_from_slice(bytes)),
        }
    }
}

fn tell(event: &Event, body: &Value) -> Vec<(String, Argument)> {
    let (name, shape) = socketio::event(&event.kind);
    let data = &body["data"];
    let argument = match shape {
        Shape::Payload => Argument::Payload(payload(event, body)),
        Shape::UserId => Argument::Id(text_of_id(data["user_id"].clone())),
        Shape::Notification => Argument::Payload(notification(event, body)),
        Shape::NotificationId => Argument::Id(match &data["notification_id"] {
            Value::Null => "all".into(),
            id => text_of_id(id.clone()),
        }),
        Shape::Presence => return presence(data),
        Shape::AsSent => Argument::Payload(json!({
            "fromUserId": text_of_id(body["from_user_id"].clone()),
            "data": data,
        })),
    };
    vec![(name.to_owned(), argument)]
}

/// The data, with what the envelope says besides, where it says it.
fn payload(event: &Event, body: &Value) -> Value {
    let mut payload = match camel(body["data"].clone()) {
        Value::Object(fields) => fields,
        Value::Null => Map::new(),
        other => Map::from_iter([("data".to_owned(), other)]),
    };
    for (from, to) in [
        ("from_user_id", "fromUserId"),
        ("to_user_id", "toUserId"),
        ("group_id", "groupId"),
    ] {
        if let Some(id) = body.get(from)
            && event.position.is_some()
        {
            payload.entry(to).or_insert(text_of_id(id.clone()));
        }
    }
    mark(event, &mut payload);
    payload.into()
}

/// What repeats are known by.
fn mark(event: &Event, payload: &mut Map<String, Value>) {
    if event.position.is_some() {
        payload.insert("eventId".to_owned(), event.id.to_string().into());
    }
}

fn notification(event: &Event, body: &Value) -> Value {
    let data = &body["data"];
    let notification = &data["notification"];
    let mut metadata = match camel(notification["data"].clone()) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    metadata.insert(
        "relatedId".to_owned(),
        text_of_id(notification["related_id"].clone()),
    );
    metadata.insert("actor".to_owned(), camel(notification["actor"].clone()));
    let user = body.get("to_user_id").cloned().unwrap_or_default();
    let told = json!({
        "id": text_of_id(notification["id"].clone()),
        "userId": text_of_id(user),
        "type": notification["type"],
        "title": notification["title"],
        "content": notification["message"],
        "metadata": metadata,
        "read": notification["is_read"],
        "createdAt": notification["created_at"],
        "quiet": data["quiet"].as_bool().unwrap_or(false),
        "folded": data["folded"].as_bool().unwrap_or(false),
    });
    let Value::Object(mut told) = told else {
        return told;
    };
    mark(event, &mut told);
    told.into()
}

/// Several at once are told one by one, and that there are more than can be told under the native name.
fn presence(data: &Value) -> Vec<(String, Argument)> {
    let users = data["users"].as_array().map_or(&[][..], Vec::as_slice);
    let users = users.iter().map(|user| {
        let name = if user["online"] == true {
            "user_online"
        } else {
            "user_offline"
        };
        let id = text_of_id(user["user_id"].clone());
        (name.to_owned(), Argument::Id(id))
    });
    let mut told: Vec<_> = users.collect();
    if told.is_empty() || data["ask"] == true {
        let all = Argument::Payload(camel(data.clone()));
        told.push(("presence_changed".to_owned(), all));
    }
    told
}

/// `42["name",{...}`: what follows is a comma and an offset, or the end.
fn open(name: &str, argument: &Argument) -> Bytes {
    let (Argument::Payload(value) | Argument::Id(value)) = argument;
    format!("42[{},{value}", Value::from(name)).into()
}

/// With no offset. A client takes a last argument that is a text for one, whatever it is: so a bare id is not the last.
pub(super) fn complete(name: &str, argument: &Argument) -> Frame {
    let open = open(name, argument);
    let end: &[u8] = match argument {
        Argument::Payload(_) => b"]",
        Argument::Id(_) => b",null]",
    };
    Frame::text_of(&[&open, end])
}
