//! The native protocol writes `snake_case` and ids as numbers; Socket.IO's clients read `camelCase` and ids as strings.

use serde_json::{Map, Value};
use shared::wire::socketio::{camel_key, is_id, snake_key};

/// As clients of Socket.IO read it.
pub(super) fn camel(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| {
                let value = match value {
                    Value::Number(id) if is_id(&key) => Value::String(id.to_string()),
                    Value::Array(ids) if key.ends_with("_ids") => {
                        ids.into_iter().map(text_of_id).collect()
                    }
                    value => camel(value),
                };
                (camel_key(&key), value)
            });
            Value::Object(fields.collect())
        }
        Value::Array(values) => values.into_iter().map(camel).collect(),
        value => value,
    }
}

/// An argument of a client, as the native protocol reads it. Ids may be numeric strings there.
pub(super) fn snake(fields: Map<String, Value>) -> Map<String, Value> {
    let fields = fields.into_iter();
    fields
        .map(|(key, value)| (snake_key(&key), value))
        .collect()
}

/// An id as a string; anything else as it is.
pub(super) fn text_of_id(id: Value) -> Value {
    match id {
        Value::Number(id) => Value::String(id.to_string()),
        other => other,
    }
}
