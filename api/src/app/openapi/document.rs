//! The document.

use std::{collections::BTreeMap, sync::OnceLock};

use axum::http::Method;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use shared::wire::{Code, Problem};

use super::{
    operation::{Operation, Schemas, Success},
    routes::{Endpoint, Entry, Routes},
};
use crate::app::{
    asyncapi,
    feature::Feature,
    http::{IDEMPOTENCY_KEY_BYTES_MAX, never_stored},
};

/// What any route may refuse with, by the layers around them all.
const ANY: [Code; 6] = [
    Code::NotFound,
    Code::RateLimited,
    Code::Internal,
    Code::Unavailable,
    Code::Draining,
    Code::Timeout,
];

/// The OpenAPI document of the public routes. Written when it is first asked for.
pub(in crate::app) struct Document {
    entries: Vec<Entry>,
    text: OnceLock<Bytes>,
}

impl Document {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        let text = OnceLock::new();
        Self { entries, text }
    }

    /// As it is served.
    pub(in crate::app) fn text(&self) -> Bytes {
        let write = || Bytes::from(self.to_value().to_string());
        self.text.get_or_init(write).clone()
    }

    fn to_value(&self) -> Value {
        let mut schemas = Schemas::default();
        let mut paths: Map<String, Value> = Map::new();
        let mut names: BTreeMap<String, u32> = BTreeMap::new();
        let problem = schemas.answered.subschema_for::<Problem>();
        for entry in &self.entries {
            let Entry { path, endpoint, .. } = entry;
            let mut operation = Operation::new(endpoint.method.clone(), &mut schemas);
            (endpoint.describe)(&mut operation);
            operation.refuses(endpoint.problems);
            if entry.is_guarded {
                operation.refuses(&[Code::FeatureUnavailable]);
            }
            add_layers(&mut operation, path);
            let mut described = describe(path, endpoint, operation, problem.as_value());
            // A handler may have two paths.
            let name = described["operationId"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let times = names
                .entry(name.clone())
                .and_modify(|times| *times += 1)
                .or_insert(1);
            if *times > 1 {
                described["operationId"] = json!(format!("{name}_{times}"));
            }
            let methods = paths.entry(*path).or_insert_with(|| json!({}));
            methods[endpoint.method.as_str().to_lowercase()] = described;
        }
        let schemas = schemas.answered.take_definitions(true);
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Hubbub",
                "version": env!("CARGO_PKG_VERSION"),
                "description": include_str!("about.md"),
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/api/v1"}, {"url": "/api"}],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                    "service_key": {"type": "http", "scheme": "bearer", "bearerFormat": "hbk_<prefix>_<secret>"},
                    "cookie": {"type": "apiKey", "in": "cookie", "name": shared::credentials::SESSION_COOKIE},
                },
            },
        })
    }
}

/// The document of these features, for people and tools: indented.
pub fn print(features: Vec<Feature>) -> String {
    let routes = features.into_iter().map(|feature| feature.routes);
    let document = routes
        .fold(super::routes().merge(asyncapi::routes()), Routes::merge)
        .into_document();
    format!("{:#}\n", document.to_value())
}

/// What the layers around every handler ask and refuse (`app/http/mod.rs`).
fn add_layers(operation: &mut Operation<'_>, path: &str) {
    operation.refuses(&ANY);
    if operation.method == Method::GET {
        let tags = json!({"type": "string", "description": "Answers 304 where the `ETag` is still one of these."});
        operation.takes_parameter("header", "If-None-Match", false, tags);
        operation.answers_nothing(304);
        return;
    }
    operation.refuses(&[Code::CsrfRejected, Code::OutcomeUnknown]);
    if operation.method == Method::POST && operation.needs_session && !never_stored(path) {
        let key = json!({
            "type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_BYTES_MAX, "pattern": "^[!-~]+$",
            "description": "The same key again is answered as the first time, and changes nothing.",
        });
        operation.takes_parameter("header", "Idempotency-Key", false, key);
        operation.refuses(&[
            Code::IdempotencyConflict,
            Code::InvalidRequest,
            Code::PayloadTooLarge,
        ]);
    }
}

fn describe(path: &str, endpoint: &Endpoint, operation: Operation<'_>, problem: &Value) -> Value {
    let mut names = endpoint.handler.rsplit("::");
    let name = names.next().unwrap_or_default();
    let tag = tag(endpoint.handler);
    let mut described = json!({
        "operationId": format!("{tag}.{name}"),
        "tags": [tag],
        "summary": sentence(name),
        "parameters": parameters(path, &operation),
        "responses": responses(&operation, problem),
        "security": security(&operation),
    });
    if let Some(role) = operation.role {
        described["x-role"] = json!(role);
    }
    if let Some(body) = operation.body {
        described["requestBody"] = json!({
            "required": true,
            "content": {"application/json": {"schema": body}},
        });
    }
    described
}

fn security(operation: &Operation<'_>) -> Value {
    match (operation.needs_session, operation.takes_key) {
        (_, true) => json!([{"service_key": []}, {"bearer": []}, {"cookie": []}]),
        (true, false) => json!([{"bearer": []}, {"cookie": []}]),
        (false, false) => json!([]),
    }
}

/// The feature that a handler is of.
fn tag(handler: &'static str) -> &'static str {
    let mut folders = handler
        .split("::")
        .skip_while(|folder| matches!(*folder, "api" | "app"));
    folders.next().unwrap_or_default()
}

/// `create_post` is "Create post".
fn sentence(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut characters = words.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

fn parameters(path: &str, operation: &Operation<'_>) -> Vec<Value> {
    let names = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = names.zip(&operation.path).map(
        |(name, schema)| json!({"name": name, "in": "path", "required": true, "schema": schema}),
    );
    let others = operation.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": parameter.place,
            "required": parameter.is_required,
            "schema": parameter.schema,
        })
    });
    in_path.chain(others).collect()
}

fn responses(operation: &Operation<'_>, problem: &Value) -> Map<String, Value> {
    let successes = operation.successes.iter().map(success);
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in &operation.problems {
        by_status.entry(code.status()).or_default().push(*code);
    }
    let refusals = by_status
        .into_iter()
        .map(|(status, codes)| refusal(status, &codes, problem));
    successes.chain(refusals).collect()
}

fn success(success: &Success) -> (String, Value) {
    let description = match success.status {
        200 => "Here it is.",
        201 => "It was made.",
        304 => "It has not changed.",
        _ => "Done.",
    };
    let mut response = json!({"description": description});
    if let Some(schema) = &success.schema {
        response["content"] = json!({"application/json": {"schema": schema}});
    }
    (success.status.to_string(), response)
}

fn refusal(status: u16, codes: &[Code], problem: &Value) -> (String, Value) {
    let lines = codes
        .iter()
        .map(|code| format!("`{}`: {}", code.name(), code.title()));
    let names: Vec<&str> = codes.iter().map(|code| code.name()).collect();
    let code = json!({"properties": {"code": {"enum": names}}});
    let mut response = json!({
        "description": lines.collect::<Vec<_>>().join("\n\n"),
        "content": {Problem::CONTENT_TYPE: {"schema": {"allOf": [problem, code]}}},
    });
    if matches!(status, 429 | 503) {
        let seconds = json!({"type": "integer", "minimum": 0});
        response["headers"] =
            json!({"Retry-After": {"description": "Seconds to wait.", "schema": seconds}});
    }
    (status.to_string(), response)
}
