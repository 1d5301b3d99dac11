//! What gateways say, held against the `AsyncAPI` document that the same build prints: every frame of every story.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, OnceLock},
};

use jsonschema::Validator;
use serde_json::Value;

use crate::program;

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);

/// The messages of both protocols, by their keys in the document.
pub struct Contract {
    messages: BTreeMap<String, Message>,
}

struct Message {
    name: String,
    payload: Value,
    /// Made when it is first needed: a story hears a few types of all that there are.
    validator: OnceLock<Validator>,
}

impl Contract {
    /// The one of this build.
    pub fn get() -> &'static Self {
        &CONTRACT
    }

    fn read() -> Self {
        let document = program::print("api", &["asyncapi"]);
        let mut document: Value = serde_json::from_str(&document).expect("a document");
        let messages = document["components"]["messages"].take();
        let Value::Object(messages) = messages else {
            panic!("a document without messages");
        };
        let messages = messages.into_iter().map(|(key, mut message)| {
            let name = message["name"].as_str().unwrap_or_default().to_owned();
            let payload = message["payload"].take();
            let validator = OnceLock::new();
            let message = Message {
                name,
                payload,
                validator,
            };
            (key, message)
        });
        Self {
            messages: messages.collect(),
        }
    }

    /// What contradicts the document in a frame. Types of other back ends and of extensions are not in it, and may say what
    /// they like.
    pub fn errors(&self, frame: &Value) -> Vec<String> {
        let kind = frame["type"].as_str().unwrap_or_default();
        let keys = ["frame", "event"].map(|prefix| format!("{prefix}.{kind}"));
        let found = keys.iter().find_map(|key| self.messages.get(key));
        found.map_or_else(Vec::new, |message| message.errors(frame))
    }

    /// The same of the acknowledgement of a command.
    pub fn errors_of_ack(&self, command: &str, frame: &Value) -> Vec<String> {
        let found = self.messages.get(&format!("ack.{command}"));
        found.map_or_else(Vec::new, |message| message.errors(frame))
    }

    /// Panics unless the document has messages of Socket.IO of this kind (`heard`, `emitted`, `acknowledged`) that go by this
    /// name, and the argument is one of them.
    #[track_caller]
    pub fn has(&self, kind: &str, name: &str, argument: &Value) {
        let prefix = format!("{kind}.");
        let messages = self.messages.iter();
        let ours =
            messages.filter(|(key, message)| key.starts_with(&prefix) && message.name == name);
        let breaches: Vec<_> = ours
            .map(|(_, message)| message.breaches(argument))
            .collect();
        assert!(!breaches.is_empty(), "nothing is said of {name}");
        let fits = breaches.iter().any(Vec::is_empty);
        assert!(fits, "{name} {argument}: {breaches:?}");
    }

    pub(crate) fn check(&self, frame: &Value) {
        let errors = self.errors(frame);
        assert!(errors.is_empty(), "{errors:?} in {frame}");
    }

    pub(crate) fn check_answer(&self, command: &Value, frame: &Value) {
        if frame["type"] == "ack" {
            let name = command["type"].as_str().unwrap_or_default();
            let errors = self.errors_of_ack(name, frame);
            assert!(errors.is_empty(), "{errors:?} in {frame} to {name}");
        }
    }
}

impl Message {
    /// What contradicts the schema, or is not in it.
    fn errors(&self, frame: &Value) -> Vec<String> {
        let mut errors = self.breaches(frame);
        errors.extend(self.undocumented(frame));
        errors
    }

    /// What contradicts the schema.
    fn breaches(&self, value: &Value) -> Vec<String> {
        let validator = self.validator.get_or_init(|| {
            let validator = jsonschema::draft7::new(&self.payload);
            validator.expect("a schema")
        });
        let errors = validator.iter_errors(value);
        let errors = errors.map(|error| format!("{error} at {}", error.instance_path()));
        errors.collect()
    }

    /// Clients ignore what they do not know; documents should know it.
    fn undocumented(&self, frame: &Value) -> impl Iterator<Item = String> {
        let fields = frame.as_object().into_iter().flatten();
        let is_new = |name: &str| self.payload["properties"].get(name).is_none();
        let new = fields.filter(move |(name, _)| is_new(name));
        new.map(|(name, _)| format!("{name} is not in the document"))
    }
}
