//! What each kind of answer means to a client.

use axum::{Json, http::HeaderMap};
use schemars::JsonSchema;
use serde_json::json;

use super::operation::{Operation, Outcome};
use crate::app::{
    error::Error,
    http::answer::{Created, Dated, NoContent, Stored},
};

impl<T: JsonSchema> Outcome for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<T>(200);
    }
}

impl<T: JsonSchema> Outcome for Dated<T> {
    fn describe(operation: &mut Operation<'_>) {
        let date = json!({
            "type": "string", "description": "Answers 304 where it has not changed since; `If-None-Match` goes before.",
        });
        operation.takes_parameter("header", "If-Modified-Since", false, date);
        operation.answers::<T>(200);
    }
}

impl<T: JsonSchema> Outcome for Created<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<T>(201);
    }
}

impl<T: JsonSchema> Outcome for Stored<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<T>(200);
        operation.answers::<T>(201);
    }
}

impl Outcome for NoContent {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers_nothing(204);
    }
}

/// With headers of its own.
impl<T: Outcome> Outcome for (HeaderMap, T) {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
    }
}

/// Errors may have any code: those that a route gives on purpose it declares, or its extractors do.
impl<T: Outcome> Outcome for Result<T, Error> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
    }
}
