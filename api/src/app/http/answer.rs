//! Answers that say their status by their type.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::fmt::rfc2822::DateTimePrinter;
use serde::Serialize;

use crate::app::time::Time;

/// 201: something new is there, and this is it.
#[derive(Debug)]
pub struct Created<T>(pub T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

/// 201 for what is new, 200 for what was there already.
#[derive(Debug)]
pub enum Stored<T> {
    /// It was made by this request.
    New(T),
    /// An earlier request made it.
    Known(T),
}

impl<T: Serialize> IntoResponse for Stored<T> {
    fn into_response(self) -> Response {
        match self {
            Self::New(thing) => Created(thing).into_response(),
            Self::Known(thing) => Json(thing).into_response(),
        }
    }
}

/// 200 with `Last-Modified`: a single thing that is told whole by when it was last changed. Not for what also shows counts,
/// or what the caller is to it: these change without it.
#[derive(Debug)]
pub struct Dated<T> {
    thing: T,
    changed_at: Time,
}

impl<T> Dated<T> {
    /// The thing, and when it was last changed.
    pub fn new(thing: T, changed_at: Time) -> Self {
        Self { thing, changed_at }
    }
}

impl<T: Serialize> IntoResponse for Dated<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.thing).into_response();
        // Years before 0 and after 9999 have no such date, and no thing has them.
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&self.changed_at.0);
        if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
            response.headers_mut().insert(header::LAST_MODIFIED, date);
        }
        response
    }
}

/// 204: done, and there is nothing to say.
#[derive(Debug, Clone, Copy)]
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}
