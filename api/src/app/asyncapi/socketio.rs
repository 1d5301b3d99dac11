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
    all.map(|kind| {
        let (name, shape) = socketio::event(kind.name);
        let data = || camel(&kind.schema(&mut generator.clone()).to_value());
        let payload = argument(shape, kind.is_durable, data);
        let key = format!("emitted.{}", kind.name);
        Message::new(key, name, kind.summary, payload)
    })
    .collect()
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

/// What clients emit: the one argument.
pub(super) fn heard(commands: &[Command]) -> Vec<Message> {
    let generator = &mut read();
    let own = gateway::COMMANDS.iter().filter(|command| {
        // Namespaces and Engine.IO have their own.
        !matches!(command.name, "ack" | "auth" | "sync" | "ping")
    });
    let mut all: Vec<(&str, Value)> = own
        .map(|command| (command.name, (command.fields)(generator).to_value()))
        .collect();
    all.extend(commands.iter().map(|command| {
        let fields = command.fields(generator).to_value();
        (command.name(), fields)
    }));
    let emitted = all.into_iter().map(|(native, fields)| {
        let said = COMMANDS.iter().find(|said| said.native == native);
        let name = said.map_or(native, |said| said.name);
        let mut payload = camel(&fields);
        if said.is_some() {
            payload = json!({"anyOf": [payload, {"type": ["string", "number"]}]});
        }
        let summary = format!("The command `{native}`.");
        Message::new(format!("heard.{native}"), name, &summary, payload)
    });
    emitted.collect()
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
