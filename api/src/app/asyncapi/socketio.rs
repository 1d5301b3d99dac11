//! Messages as clients of Socket.IO see them (SPEC §5, `docs/socketio.md`): `camelCase`, ids as texts.

use serde_json::{Map, Value, json};
use shared::wire::socketio::{self, COMMANDS, Shape, camel_key, is_id};

use super::{
    gateway,
    native::{Message, read, written},
};
use crate::app::{commands::Command, event_type::EventType};

/// What servers emit: what the listeners' first argument is. A durable event has its offset after it.
pub(super) fn emitted(events: &[EventType]) -> Vec<Message> {
    let generator = &mut written();
    let all = events.iter().chain(&gateway::EVENTS);
    let events = all.map(|kind| {
        let (name, shape) = socketio::event(kind.name);
        let data = || camel(&kind.schema(&mut generator.clone()).to_value());
        let payload = argument(shape, kind.is_durable, data);
        let key = format!("emitted.{}", kind.name);
        Message::new(key, name, kind.summary, payload)
    });
    let mut messages: Vec<Message> = events.collect();
    // Namespaces have a welcome of their own.
    let frames = gateway::FRAMES.iter().filter(|said| said.name != "welcome");
    messages.extend(frames.map(|said| {
        let payload = camel(&(said.data)(generator).to_value());
        let key = format!("emitted.{}", said.name);
        Message::new(key, said.name, said.summary, payload)
    }));
    let summary = "An event without an acknowledgement was refused.";
    let key = "emitted.error".to_owned();
    messages.push(Message::new(key, "error", summary, error()));
    messages
}

fn error() -> Value {
    json!({
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "string"},
            "message": {"type": "string"},
            "retryable": {"type": "boolean"},
            "retryAfterMs": {"type": "integer", "minimum": 0},
            "errors": {"type": "array"},
        },
    })
}

fn argument(shape: Shape, is_durable: bool, data: impl FnOnce() -> Value) -> Value {
    let id = json!({"type": "string", "pattern": "^[0-9]+$"});
    match shape {
        Shape::Payload if is_durable => json!({"allOf": [data(), marked(&id)]}),
        Shape::Payload | Shape::Presence => data(),
        Shape::UserId => id,
        Shape::NotificationId => json!({"anyOf": [id, {"const": "all"}]}),
        Shape::AsSent => json!({
            "type": "object",
            "required": ["fromUserId", "data"],
            "properties": {"fromUserId": id, "data": {}},
        }),
        Shape::Notification => notification(&id),
    }
}

/// What a durable event's payload has besides its data.
fn marked(id: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["eventId"],
        "properties": {"eventId": id, "fromUserId": id, "toUserId": id, "groupId": id},
    })
}

fn notification(id: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["id", "userId", "type", "title", "content", "metadata", "read", "createdAt", "eventId"],
        "properties": {
            "id": id,
            "userId": id,
            "type": {"type": "string"},
            "title": {"type": "string"},
            "content": {"type": "string"},
            "metadata": {"type": "object"},
            "read": {"type": "boolean"},
            "createdAt": {"type": "string", "format": "date-time"},
            "quiet": {"type": "boolean"},
            "folded": {"type": "boolean"},
            "eventId": id,
        },
    })
}

/// What clients emit, the one argument, and what an acknowledgement is called with.
pub(super) fn heard(commands: &[Command]) -> Vec<(Message, Message)> {
    let (generator, answers) = (&mut read(), &mut written());
    let own = gateway::COMMANDS.iter().filter(|command| {
        // Namespaces and Engine.IO have their own.
        !matches!(command.name, "ack" | "auth" | "sync" | "ping")
    });
    let done = || json!({"type": "object"});
    let mut all: Vec<(&str, Value, Value)> = own
        .map(|command| (command.name, (command.fields)(generator).to_value(), done()))
        .collect();
    all.extend(commands.iter().map(|command| {
        let fields = command.fields(generator).to_value();
        let answer = command.answer(answers).to_value();
        (command.name(), fields, answer)
    }));
    let emitted = all.into_iter().map(|(native, fields, answer)| {
        let said = COMMANDS.iter().find(|said| said.native == native);
        let name = said.map_or(native, |said| said.name);
        let mut payload = camel(&renamed(fields, said.map_or(&[], |said| said.renamed)));
        if said.is_some() {
            payload = json!({"anyOf": [payload, {"type": ["string", "number"]}]});
        }
        let summary = format!("The command `{native}`.");
        let key = format!("heard.{native}");
        let heard = Message::new(key, name, &summary, payload);
        (heard, acknowledged(name, &camel(&answer)))
    });
    let mut messages = vec![join()];
    messages.extend(emitted);
    messages
}

/// Everybody is in their own room already.
fn join() -> (Message, Message) {
    let own = json!({
        "type": "object",
        "properties": {"userId": {"type": ["string", "number", "null"]}},
    });
    let payload = json!({"anyOf": [own, {"type": ["string", "number", "null"]}]});
    let summary = "Asks for one's own room, in which one is.";
    let heard = Message::new("heard.join".to_owned(), "join", summary, payload);
    let own = json!({
        "type": "object",
        "required": ["userId"],
        "properties": {"userId": {"type": "string"}},
    });
    (heard, acknowledged("join", &own))
}

fn acknowledged(name: &str, answer: &Value) -> Message {
    let refused = json!({
        "type": "object",
        "required": ["error"],
        "properties": {"error": error()},
    });
    let payload = json!({"anyOf": [answer, refused]});
    let key = format!("acknowledged.{name}");
    let summary = format!("`{name}` was done, or refused.");
    Message::new(key, name, &summary, payload)
}

/// Fields that have another name here; the table says which, here and there.
fn renamed(mut schema: Value, names: &[(&str, &str)]) -> Value {
    for (here, there) in names {
        let properties = schema.get_mut("properties");
        if let Some(properties) = properties.and_then(Value::as_object_mut)
            && let Some(field) = properties.remove(*there)
        {
            properties.insert((*here).to_owned(), field);
        }
        let required = schema.get_mut("required").and_then(Value::as_array_mut);
        for name in required.into_iter().flatten() {
            if name == there {
                *name = (*here).into();
            }
        }
    }
    schema
}

/// A schema in the other spelling.
fn camel(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => Value::Object(camel_object(fields)),
        Value::Array(values) => values.iter().map(camel).collect(),
        other => other.clone(),
    }
}

fn camel_object(fields: &Map<String, Value>) -> Map<String, Value> {
    let spell = |(keyword, value): (&String, &Value)| {
        let value = match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => properties
                .iter()
                .map(|(key, schema)| (camel_key(key), camel_field(key, schema)))
                .collect::<Map<_, _>>()
                .into(),
            ("required", Value::Array(names)) => names
                .iter()
                .map(|name| Value::from(camel_key(name.as_str().unwrap_or_default())))
                .collect(),
            ("enum" | "const" | "default" | "examples", value) => value.clone(),
            (_, value) => camel(value),
        };
        (keyword.clone(), value)
    };
    fields.iter().map(spell).collect()
}

/// Ids are texts here, and lists of ids lists of texts.
fn camel_field(key: &str, schema: &Value) -> Value {
    if is_id(key) {
        return as_text(schema);
    }
    let mut field = camel(schema);
    if key.ends_with("_ids") && field["items"].is_object() {
        field["items"] = as_text(&schema["items"]);
    }
    field
}

fn as_text(schema: &Value) -> Value {
    let may_be_null = schema["type"]
        .as_array()
        .is_some_and(|types| types.contains(&json!("null")))
        || schema["anyOf"]
            .as_array()
            .is_some_and(|any| any.iter().any(|schema| schema["type"] == "null"));
    let kind = if may_be_null {
        json!(["string", "null"])
    } else {
        json!("string")
    };
    json!({"type": kind, "pattern": "^[0-9]+$"})
}
