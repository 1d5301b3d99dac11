//! Commands from clients, and their answers.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Code, Problem};

/// What a client calls a command, to know its answer by: any JSON string or number, handed back unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(Box<str>);

impl Reference {
    /// A reference longer than this, in bytes of JSON, is refused: it is kept until the answer is there.
    pub const BYTES_MAX: usize = 128;

    fn parse(raw: &RawValue) -> Result<Option<Self>, InvalidCommand> {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'n') => Ok(None),
            Some(b'"' | b'-' | b'0'..=b'9') if text.len() <= Self::BYTES_MAX => {
                Ok(Some(Self(text.into())))
            }
            _ => Err(InvalidCommand::Reference),
        }
    }

    /// The JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

/// A frame that is not a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCommand {
    /// Not JSON at all.
    #[error("the frame is not valid JSON")]
    Json,
    /// JSON, but not an object with a string `type`.
    #[error("a frame is a JSON object with a string \"type\"")]
    Shape,
    /// `ref` is neither string nor number, or too long.
    #[error("\"ref\" is a string or a number of at most 128 bytes")]
    Reference,
}

/// A command: its name, its reference, and the whole frame for whoever handles it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The `type`.
    pub name: String,
    /// The `ref`, if the client wants an answer.
    pub reference: Option<Reference>,
    /// The frame as it came: handlers read their own fields from it.
    pub payload: Bytes,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "ref", borrow, default)]
    reference: Option<&'a RawValue>,
}

impl Command {
    /// Reads the two fields that every command has; the others are left to the handler.
    pub fn parse(frame: Bytes) -> Result<Self, InvalidCommand> {
        let (name, reference) = {
            let head: Head<'_> = serde_json::from_slice(&frame).map_err(|error| {
                if error.is_data() {
                    InvalidCommand::Shape
                } else {
                    InvalidCommand::Json
                }
            })?;
            let reference = head.reference.map(Reference::parse).transpose()?.flatten();
            (head.kind.into_owned(), reference)
        };
        Ok(Self {
            name,
            reference,
            payload: frame,
        })
    }
}

/// What `api` answers a forwarded command with.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandReply {
    /// Done; the `data` of the acknowledgement.
    Data(Box<RawValue>),
    /// Refused, as the same request over HTTP would have been.
    Problem(Problem),
}

/// `{"type":"ack","ref",...,"data":...}`.
pub fn ack_frame(reference: &Reference, data: &RawValue) -> Bytes {
    // Spliced, not serialised: both parts are JSON already, and a raw value cannot fail to be written.
    let (reference, data) = (reference.as_json(), data.get());
    format!(r#"{{"type":"ack","ref":{reference},"data":{data}}}"#).into()
}

#[derive(Serialize)]
struct ErrorFrame<'a> {
    code: &'a str,
    message: &'a str,
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [super::FieldError],
}

/// `{"type":"error","ref"?,"code","message","retryable","retry_after_ms"?,"errors"?}`.
pub fn error_frame(reference: Option<&Reference>, problem: &Problem) -> Bytes {
    let retryable = Code::from_name(&problem.code).is_some_and(Code::retryable);
    let body = serde_json::to_string(&ErrorFrame {
        code: &problem.code,
        message: &problem.detail,
        retryable,
        retry_after_ms: problem.retry_after_ms,
        errors: &problem.errors,
    })
    .expect("strings, numbers and booleans always serialise");
    let rest = body.strip_prefix('{').unwrap_or(&body);
    match reference {
        Some(reference) => format!(r#"{{"type":"error","ref":{},{rest}"#, reference.as_json()),
        None => format!(r#"{{"type":"error",{rest}"#),
    }
    .into()
}
