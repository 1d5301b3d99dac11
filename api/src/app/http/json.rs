//! Bodies: wrong ones end at the door, with every field that is wrong as far as it can be known.

use std::borrow::Cow;

use axum::{
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use shared::wire::{Code, FieldError};

use super::wrong_types;
use crate::app::error::Error;

/// What [`Wrong::unless_text`] asks of a text, for the document: something to read.
pub const TEXT: &str = r"[^\s\u0085]";

/// For the document of an object: exactly one of these fields is given. One that is null is not.
pub fn one_of(fields: &[&str]) -> Value {
    let given = |field: &&str| {
        let rule = |other: &&str| {
            if other == field {
                json!({"not": {"type": "null"}})
            } else {
                json!({"type": "null"})
            }
        };
        let rules = fields
            .iter()
            .map(|other| ((*other).to_owned(), rule(other)));
        json!({"required": [field], "properties": rules.collect::<Map<_, _>>()})
    };
    fields.iter().map(given).collect()
}

/// What a request asks, with rules beyond its types.
pub trait Input {
    /// Says what is wrong with the values.
    fn check(&self, _wrong: &mut Wrong) {}
}

/// Collects what is wrong with an input.
#[derive(Debug, Default)]
pub struct Wrong(Vec<FieldError>);

impl Wrong {
    /// One field is wrong.
    pub fn field(&mut self, field: &str, code: &str, message: impl Into<String>) {
        self.0.push(FieldError {
            field: field.to_owned(),
            code: code.to_owned(),
            message: message.into(),
        });
    }

    /// Unless the text has a length within the bounds, counted in characters.
    pub fn unless_length(
        &mut self,
        field: &str,
        text: &str,
        bounds: std::ops::RangeInclusive<usize>,
    ) {
        let length = text.chars().count();
        if length < *bounds.start() {
            let message = format!("at least {} characters", bounds.start());
            let code = if length == 0 { "required" } else { "too_short" };
            self.field(field, code, message);
        } else if length > *bounds.end() {
            self.field(
                field,
                "too_long",
                format!("at most {} characters", bounds.end()),
            );
        }
    }

    /// Unless the text has something to read in it, and is not too long.
    pub fn unless_text(&mut self, field: &str, text: &str, characters_max: usize) {
        if text.trim().is_empty() {
            self.field(field, "required", "must not be empty");
        } else {
            self.unless_length(field, text, 1..=characters_max);
        }
    }
}

impl Wrong {
    fn into_result(self) -> Result<(), Error> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::fields(self.0))
        }
    }
}

/// Reads a body that was checked against its type and its rules.
pub fn parse<T: Input + DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    // Checked for the whole text: the reader looks only at the fields that it wants.
    let text = std::str::from_utf8(body)
        .map_err(|_| Error::new(Code::InvalidJson, "the body is not UTF-8"))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = T::deserialize(&mut reader);
    let input = read.map_err(|error| wrong_type::<T>(text, &error))?;
    reader.end().map_err(|error| invalid_json(&error))?;
    refuse_nul(body)?;
    check(&input)?;
    Ok(input)
}

/// Applies an input's own rules.
pub(super) fn check(input: &impl Input) -> Result<(), Error> {
    let mut wrong = Wrong::default();
    input.check(&mut wrong);
    wrong.into_result()
}

fn invalid_json(error: &serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    let detail = format!("not valid JSON at line {line}, column {column}");
    Error::new(Code::InvalidJson, detail)
}

/// Tells a text that is not JSON from JSON of the wrong shape: the first is looked for in the whole text, because the
/// reader stops at the first field that it does not like.
fn wrong_type<T: DeserializeOwned>(text: &str, first: &serde_json::Error) -> Error {
    let body = match serde_json::from_str(text) {
        Ok(body) => body,
        Err(error) => return invalid_json(&error),
    };
    let wrong = wrong_types::find::<T>(body);
    if wrong.is_empty() {
        // Read as a text it was refused, read as values it is not: a field that is there twice, for one.
        return Error::new(Code::InvalidJson, first.to_string());
    }
    Error::fields(wrong)
}

/// PostgreSQL's texts cannot hold U+0000, and no person types it.
fn refuse_nul(body: &[u8]) -> Result<(), Error> {
    // In JSON it can only be written as this escape; a backslash that is escaped itself makes the second look needed.
    if !body.windows(6).any(|window| window == b"\\u0000") {
        return Ok(());
    }
    let mut wrong = Wrong::default();
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        find_nul(&value, "", &mut wrong);
    }
    wrong.into_result()
}

/// As deep as the reader allows, which is 128 levels.
fn find_nul(value: &Value, path: &str, wrong: &mut Wrong) {
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match value {
        Value::String(text) if text.contains('\0') => {
            wrong.field(
                path,
                "nul_character",
                "must not contain the character U+0000",
            );
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_nul(item, &below(&index.to_string()), wrong);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                if key.contains('\0') {
                    wrong.field(
                        path,
                        "nul_character",
                        "a name contains the character U+0000",
                    );
                }
                find_nul(field, &below(key), wrong);
            }
        }
        _ => {}
    }
}

/// A body that was read and checked.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: Input + DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let media_type = request.headers().get(header::CONTENT_TYPE);
        // A form or plain text is what another site's page can send without asking first.
        if !media_type.is_some_and(|value| is_json(value.as_bytes())) {
            let detail = "send Content-Type: application/json";
            return Err(Error::new(Code::UnsupportedMediaType, detail));
        }
        parse(&read(request, state).await?).map(Self)
    }
}

/// A whole body, within the limit.
pub(super) async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Error> {
    let body = Bytes::from_request(request, state).await;
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Error::new(Code::PayloadTooLarge, "the body is above the limit")
        }
        _ => Error::new(Code::InvalidRequest, "the body could not be read"),
    })
}

fn is_json(media_type: &[u8]) -> bool {
    let end = media_type.iter().position(|byte| *byte == b';');
    let name = media_type[..end.unwrap_or(media_type.len())].trim_ascii();
    name.eq_ignore_ascii_case(b"application/json")
        || (name.starts_with(b"application/") && name.ends_with(b"+json"))
}

/// Tells "not given" from "given as null": for fields of a change. Use with `#[serde(default)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Set it; `None` clears it.
    Set(Option<T>),
}

impl<T> Change<T> {
    /// As a statement takes it: whether to set it, and to what.
    pub fn setting(&self) -> (bool, Option<&T>) {
        match self {
            Self::Keep => (false, None),
            Self::Set(value) => (true, value.as_ref()),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::Set)
    }
}

impl<T: JsonSchema> JsonSchema for Change<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Change_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}
