//! The document.

use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{
    native::{self, Message},
    socketio,
};
use crate::app::{access, commands::Command, event_type::EventType, feature::Feature};

/// The `AsyncAPI` document of both socket protocols. Written when it is first asked for.
pub(in crate::app) struct Document {
    events: Vec<EventType>,
    commands: Vec<Command>,
    text: OnceLock<Bytes>,
}

impl Document {
    /// Of these features.
    pub(in crate::app) fn new(features: &[Feature]) -> Self {
        let events = features.iter().flat_map(|feature| feature.events);
        let commands = features.iter().flat_map(|feature| &feature.commands);
        Self {
            events: events.chain(access::EVENTS).copied().collect(),
            commands: commands.cloned().collect(),
            text: OnceLock::new(),
        }
    }

    /// As it is served.
    pub(in crate::app) fn text(&self) -> Bytes {
        let write = || Bytes::from(self.to_value().to_string());
        self.text.get_or_init(write).clone()
    }

    pub(super) fn to_value(&self) -> Value {
        let mut parts = Parts::default();
        let told = native::told(&self.events);
        parts.send(NATIVE, "told", told);
        for (command, ack) in native::taken(&self.commands) {
            parts.receive(NATIVE, command, ack);
        }
        parts.send(SOCKET_IO, "emitted", socketio::emitted(&self.events));
        for (message, ack) in socketio::heard(&self.commands) {
            parts.receive(SOCKET_IO, message, ack);
        }
        parts.into_document()
    }
}

/// The document of these features, for people and tools: indented.
pub fn print(features: &[Feature]) -> String {
    format!("{:#}\n", Document::new(features).to_value())
}

const NATIVE: &str = "native";
const SOCKET_IO: &str = "socketio";

#[derive(Default)]
struct Parts {
    native: Map<String, Value>,
    socketio: Map<String, Value>,
    operations: Map<String, Value>,
    messages: Map<String, Value>,
}

impl Parts {
    /// Messages that servers send.
    fn send(&mut self, channel: &'static str, name: &str, messages: Vec<Message>) {
        let references: Vec<Value> = messages
            .into_iter()
            .map(|message| self.add(channel, message))
            .collect();
        let operation = json!({
            "action": "send",
            "channel": {"$ref": format!("#/channels/{channel}")},
            "messages": references,
        });
        self.operations
            .insert(format!("{channel}.{name}"), operation);
    }

    /// A message that clients send, and what it is acknowledged with.
    fn receive(&mut self, channel: &'static str, message: Message, ack: Message) {
        let name = message.key.clone();
        let summary = message.summary.clone();
        let message = self.add(channel, message);
        let mut replies = vec![self.add(channel, ack)];
        if channel == NATIVE {
            replies.push(json!({"$ref": format!("#/channels/{channel}/messages/frame.error")}));
        }
        let operation = json!({
            "action": "receive",
            "channel": {"$ref": format!("#/channels/{channel}")},
            "summary": summary,
            "messages": [message],
            "reply": {
                "channel": {"$ref": format!("#/channels/{channel}")},
                "messages": replies,
            },
        });
        self.operations
            .insert(format!("{channel}.{name}"), operation);
    }

    /// A reference to the message, which the channel has from now on.
    fn add(&mut self, channel: &'static str, message: Message) -> Value {
        let key = message.key;
        let described = json!({
            "name": message.name,
            "summary": message.summary,
            "payload": message.payload,
        });
        self.messages.insert(key.clone(), described);
        let of_channel = if channel == NATIVE {
            &mut self.native
        } else {
            &mut self.socketio
        };
        let whole = json!({"$ref": format!("#/components/messages/{key}")});
        of_channel.insert(key.clone(), whole);
        json!({"$ref": format!("#/channels/{channel}/messages/{key}")})
    }

    fn into_document(self) -> Value {
        json!({
            "asyncapi": "3.0.0",
            "info": {
                "title": "Hubbub over sockets",
                "version": env!("CARGO_PKG_VERSION"),
                "description": include_str!("about.md"),
                "license": {"name": "Apache-2.0"},
            },
            "defaultContentType": "application/json",
            "servers": {
                "gateway": {
                    "host": "{host}",
                    "protocol": "wss",
                    "description": "The balancer before the gateways.",
                    "variables": {"host": {"default": "localhost:8080"}},
                },
            },
            "channels": {
                NATIVE: {
                    "address": "/ws",
                    "title": "The native protocol",
                    "description": "JSON text frames, one object a frame. The same frames as server-sent events at /events, and by long polling at /events/poll.",
                    "messages": self.native,
                },
                SOCKET_IO: {
                    "address": "/socket.io/",
                    "title": "Socket.IO",
                    "description": "Engine.IO 4, Socket.IO 5, the namespace `/`. A message's name is the event's, its payload the first argument.",
                    "messages": self.socketio,
                },
            },
            "operations": self.operations,
            "components": {"messages": self.messages},
        })
    }
}
