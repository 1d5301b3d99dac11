//! Where the document is served.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Extension,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::Document;
use crate::app::{
    http::Visitor,
    openapi::{Operation, Outcome, Routes, get},
};

/// `/asyncapi.json`.
pub(in crate::app) fn routes() -> Routes {
    Routes::new().route("/asyncapi.json", get(read_asyncapi))
}

/// What a client reads to know the sockets.
struct AsyncApi(Bytes);

async fn read_asyncapi(_: Visitor, Extension(document): Extension<Arc<Document>>) -> AsyncApi {
    AsyncApi(document.text())
}

impl IntoResponse for AsyncApi {
    fn into_response(self) -> Response {
        let media_type = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, media_type)], self.0).into_response()
    }
}

impl Outcome for AsyncApi {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<Self>(200);
    }
}

impl JsonSchema for AsyncApi {
    fn schema_name() -> Cow<'static, str> {
        "AsyncApi".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "required": ["asyncapi", "info", "channels", "operations"]})
    }
}
