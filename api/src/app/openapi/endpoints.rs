//! Where the document is served, and the page that shows it.

use std::sync::Arc;

use axum::{
    Extension, Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get as plain_get,
};
use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{
    Document,
    operation::{Operation, Outcome},
    routes::{Routes, get},
};
use crate::app::{App, http::Visitor};

/// `/openapi.json`, which is in the document like every route.
pub(in crate::app) fn routes() -> Routes {
    Routes::new().route("/openapi.json", get(read_document))
}

/// What a client reads to know the API.
struct OpenApi(Bytes);

async fn read_document(_: Visitor, Extension(document): Extension<Arc<Document>>) -> OpenApi {
    OpenApi(document.text())
}

impl IntoResponse for OpenApi {
    fn into_response(self) -> Response {
        let media_type = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, media_type)], self.0).into_response()
    }
}

impl Outcome for OpenApi {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<Self>(200);
    }
}

impl JsonSchema for OpenApi {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OpenApi".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "required": ["openapi", "info", "paths"]})
    }
}

/// What the page may do: its own script and style, and ask this API. Nothing comes from elsewhere.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

/// `/docs`: the document for people.
pub(in crate::app) fn page() -> Router<App> {
    let file = |media_type: &'static str, text: &'static str| {
        plain_get(async move || {
            let media_type = HeaderValue::from_static(media_type);
            let headers = [
                (header::CONTENT_TYPE, media_type),
                (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
            ];
            (headers, text)
        })
    };
    let html = file("text/html; charset=utf-8", include_str!("page/index.html"));
    let script = file(
        "text/javascript; charset=utf-8",
        include_str!("page/docs.js"),
    );
    let style = file("text/css; charset=utf-8", include_str!("page/docs.css"));
    Router::new()
        .route("/docs", html)
        .route("/docs/docs.js", script)
        .route("/docs/docs.css", style)
}
