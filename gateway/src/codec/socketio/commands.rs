//! Events of clients of Socket.IO, as commands of the native protocol: by the table of names (`shared::wire::socketio`).

use bytes::Bytes;
use serde_json::{Map, Value};
use shared::wire::{Code, Problem, socketio::COMMANDS};

use super::spelling::snake;

/// What an event of a client comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// A frame of the native protocol.
    Command(Bytes),
    /// It wants to be in the room of this user, an id or nothing: everybody is in their own, and in no other.
    Join(Option<String>),
}

/// `id` is what an acknowledgement is asked for by.
pub(crate) fn translate(
    name: &str,
    mut arguments: Vec<Value>,
    id: Option<u64>,
) -> Result<Said, Box<Problem>> {
    let argument = match arguments.len() {
        0 => Value::Null,
        1 => arguments.remove(0),
        _ => return Err(wrong("An event has one argument")),
    };
    if name == "join" {
        return join(argument);
    }
    let known = COMMANDS.iter().find(|said| said.name == name);
    let mut fields = match (argument, known) {
        (Value::Null, _) => Map::new(),
        (Value::Object(fields), _) => snake(fields),
        (bare @ (Value::String(_) | Value::Number(_)), Some(said)) => {
            Map::from_iter([(said.bare.to_owned(), bare)])
        }
        _ => return Err(wrong("The argument is an object")),
    };
    let native = known.map_or(name, |said| said.native);
    for (here, there) in known.map_or(&[][..], |said| said.renamed) {
        if let Some(value) = fields.remove(*here) {
            fields.insert((*there).to_owned(), value);
        }
    }
    // Last, so that no field of a client takes their place.
    fields.remove("ref");
    fields.insert("type".to_owned(), native.into());
    if let Some(id) = id {
        fields.insert("ref".to_owned(), id.into());
    }
    Ok(Said::Command(Value::Object(fields).to_string().into()))
}

fn join(argument: Value) -> Result<Said, Box<Problem>> {
    let id = match argument {
        Value::Object(mut fields) => fields.remove("userId").unwrap_or_default(),
        bare => bare,
    };
    match id {
        Value::Null => Ok(Said::Join(None)),
        Value::String(id) => Ok(Said::Join(Some(id))),
        Value::Number(id) => Ok(Said::Join(Some(id.to_string()))),
        _ => Err(wrong("The argument is a user's id")),
    }
}

fn wrong(detail: &str) -> Box<Problem> {
    Box::new(Problem::new(Code::ValidationFailed, detail))
}
