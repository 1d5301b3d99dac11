//! Messages of the native protocol (SPEC §4, `docs/protocol.md`).

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};
use shared::{
    ids::{EventId, GroupId, UserId},
    wire::{Channel, Code, FieldError, said::Heartbeat},
};

use super::gateway;
use crate::app::{commands::Command, event_type::EventType};

/// A message of either protocol.
pub(super) struct Message {
    /// By which the document refers to it.
    pub(super) key: String,
    /// What it is called on the wire.
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) payload: Value,
}

impl Message {
    pub(super) fn new(key: String, name: &str, summary: &str, payload: Value) -> Self {
        Self {
            key,
            name: name.to_owned(),
            summary: summary.to_owned(),
            payload,
        }
    }
}

/// Schemas of what is written, each in place: a message is read as a whole.
pub(super) fn written() -> SchemaGenerator {
    settings().for_serialize().into_generator()
}

/// Schemas of what is read, each in place.
pub(super) fn read() -> SchemaGenerator {
    settings().for_deserialize().into_generator()
}

fn settings() -> SchemaSettings {
    // What an AsyncAPI document takes without saying so.
    SchemaSettings::draft07().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    })
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    T::json_schema(generator).to_value()
}

/// What servers say.
pub(super) fn told(events: &[EventType]) -> Vec<Message> {
    let generator = &mut written();
    let mut messages: Vec<Message> = events
        .iter()
        .chain(&gateway::EVENTS)
        .map(|kind| event(kind, generator))
        .collect();
    messages.extend(gateway::FRAMES.iter().map(|frame| {
        let fields = json!({"data": (frame.data)(generator)});
        said(frame.name, frame.summary, fields)
    }));
    let tops = of::<Heartbeat<'static>>(generator)["properties"].take();
    messages.push(said(
        "heartbeat",
        "Nothing else was sent for a while.",
        tops,
    ));
    messages.push(pong());
    messages.push(error(generator));
    messages
}

fn event(kind: &EventType, generator: &mut SchemaGenerator) -> Message {
    let mut required = vec!["type", "id", "channel", "timestamp", "data"];
    if kind.is_durable {
        required.push("offset");
    }
    let payload = json!({
        "type": "object",
        "required": required,
        "properties": {
            "type": {"const": kind.name},
            "id": of::<EventId>(generator),
            "channel": of::<Channel>(generator),
            "offset": {"type": "integer", "minimum": 1, "description": "Its place in the channel: without holes."},
            "timestamp": {"type": "integer", "description": "Unix seconds."},
            "from_user_id": of::<UserId>(generator),
            "to_user_id": of::<UserId>(generator),
            "group_id": of::<GroupId>(generator),
            "data": kind.schema(generator),
        },
    });
    Message::new(
        format!("event.{}", kind.name),
        kind.name,
        kind.summary,
        payload,
    )
}

fn said(name: &str, summary: &str, mut fields: Value) -> Message {
    let fields = fields
        .as_object_mut()
        .map(std::mem::take)
        .unwrap_or_default();
    let mut required: Vec<String> = fields.keys().cloned().collect();
    required.push("type".to_owned());
    let mut properties = fields;
    properties.insert("type".to_owned(), json!({"const": name}));
    let payload = json!({"type": "object", "required": required, "properties": properties});
    Message::new(format!("frame.{name}"), name, summary, payload)
}

fn reference() -> Value {
    json!({"type": ["string", "number"], "description": "As the command had it; 128 bytes at most."})
}

fn pong() -> Message {
    let payload = json!({
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"const": "pong"}, "ref": reference()},
    });
    Message::new(
        "frame.pong".to_owned(),
        "pong",
        "The answer to `ping`.",
        payload,
    )
}

fn error(generator: &mut SchemaGenerator) -> Message {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    let payload = json!({
        "type": "object",
        "required": ["type", "code", "message", "retryable"],
        "properties": {
            "type": {"const": "error"},
            "ref": reference(),
            "code": {"enum": codes},
            "message": {"type": "string"},
            "retryable": {"type": "boolean"},
            "retry_after_ms": {"type": "integer", "minimum": 0},
            "errors": of::<Vec<FieldError>>(generator),
        },
    });
    let summary = "A command, or a frame, was refused.";
    Message::new("frame.error".to_owned(), "error", summary, payload)
}

/// What clients say, each with its acknowledgement.
pub(super) fn taken(commands: &[Command]) -> Vec<(Message, Message)> {
    let (asked, answered) = (&mut read(), &mut written());
    let own = gateway::COMMANDS.iter().map(|command| {
        let done = json!({"type": "object"});
        let fields = (command.fields)(asked);
        (command.name, command.summary.to_owned(), fields, done)
    });
    let mut all: Vec<_> = own.collect();
    all.extend(commands.iter().map(|command| {
        let fields = command.fields(asked);
        let summary = fields.get("description").and_then(Value::as_str);
        let summary = summary.unwrap_or_default().to_owned();
        let done = command.answer(answered).to_value();
        (command.name(), summary, fields, done)
    }));
    all.into_iter()
        .map(|(name, summary, fields, done)| (command(name, &summary, &fields), ack(name, &done)))
        .collect()
}

fn command(name: &str, summary: &str, fields: &Schema) -> Message {
    let head = json!({
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"const": name}, "ref": reference()},
    });
    let payload = json!({"allOf": [head, fields]});
    Message::new(format!("command.{name}"), name, summary, payload)
}

fn ack(name: &str, data: &Value) -> Message {
    let payload = json!({
        "type": "object",
        "required": ["type", "ref", "data"],
        "properties": {"type": {"const": "ack"}, "ref": reference(), "data": data},
    });
    let summary = format!("`{name}` was done.");
    Message::new(format!("ack.{name}"), "ack", &summary, payload)
}
