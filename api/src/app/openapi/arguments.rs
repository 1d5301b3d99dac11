//! What each extractor asks of a request, and how it refuses one.

use axum::{Extension, extract::State, http::HeaderMap};
use schemars::JsonSchema;
use serde_json::json;
use shared::{credentials::Role, wire::Code};

use super::operation::{Argument, Operation};
use crate::app::{
    App,
    http::{
        Admin, ClientAddress, Path, Service, SignedIn, Visitor,
        json::Json,
        page::{LIMIT_DEFAULT, LIMIT_MAX, OFFSET_MAX, OffsetQuery, PageQuery, Query},
    },
};

impl Argument for State<App> {
    fn describe(_: &mut Operation<'_>) {}
}

impl<T> Argument for Extension<T> {
    fn describe(_: &mut Operation<'_>) {}
}

impl Argument for HeaderMap {
    fn describe(_: &mut Operation<'_>) {}
}

impl Argument for ClientAddress {
    fn describe(_: &mut Operation<'_>) {}
}

impl Argument for Visitor {
    fn describe(_: &mut Operation<'_>) {}
}

impl Argument for SignedIn {
    fn describe(operation: &mut Operation<'_>) {
        operation.needs_session();
        operation.refuses(&[
            Code::Unauthenticated,
            Code::TokenExpired,
            Code::SessionRevoked,
            Code::AccountSuspended,
        ]);
    }
}

impl Argument for Admin {
    fn describe(operation: &mut Operation<'_>) {
        SignedIn::describe(operation);
        operation.needs_role(Role::Admin);
        operation.refuses(&[Code::Forbidden]);
    }
}

impl Argument for Service {
    fn describe(operation: &mut Operation<'_>) {
        SignedIn::describe(operation);
        operation.takes_key();
        operation.needs_role(Role::Service);
        operation.refuses(&[Code::Forbidden]);
    }
}

impl<T: JsonSchema> Argument for Path<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.takes_path::<T>();
        operation.refuses(&[Code::NotFound]);
    }
}

impl<T: JsonSchema> Argument for Query<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.takes_query::<T>();
        operation.refuses(&[Code::InvalidRequest, Code::ValidationFailed]);
    }
}

impl<T: JsonSchema> Argument for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.takes_body::<T>();
        operation.refuses(&[
            Code::InvalidJson,
            Code::InvalidRequest,
            Code::ValidationFailed,
            Code::PayloadTooLarge,
            Code::UnsupportedMediaType,
        ]);
    }
}

impl Argument for PageQuery {
    fn describe(operation: &mut Operation<'_>) {
        takes_limit(operation);
        let cursor = json!({"type": "string", "description": "`next_cursor` of the page before."});
        operation.takes_parameter("query", "cursor", false, cursor);
    }
}

impl Argument for OffsetQuery {
    fn describe(operation: &mut Operation<'_>) {
        takes_limit(operation);
        let offset = json!({
            "type": "integer", "minimum": 0, "maximum": OFFSET_MAX, "default": 0,
            "description": "Items before the page.",
        });
        operation.takes_parameter("query", "offset", false, offset);
    }
}

fn takes_limit(operation: &mut Operation<'_>) {
    let limit = json!({
        "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT,
        "description": "Items of the page at most.",
    });
    operation.takes_parameter("query", "limit", false, limit);
    operation.refuses(&[Code::InvalidRequest, Code::ValidationFailed]);
}
