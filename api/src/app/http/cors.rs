//! Pages of allowed origins may call, with their cookies.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use shared::telemetry::RequestId;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::idempotency;
use crate::app::config::Settings;

/// How long browsers may remember the answer to a preflight.
const PREFLIGHT_LIFETIME: Duration = Duration::from_hours(1);

/// `ALLOWED_ORIGINS`, word by word: with cookies there is no wildcard.
pub(super) fn layer(settings: &Settings) -> CorsLayer {
    let origins = settings.http.allowed_origins.iter();
    let origins = origins.filter_map(|origin| HeaderValue::from_str(origin).ok());
    let methods = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    let request_id = HeaderName::from_static(RequestId::HEADER);
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods(methods)
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            idempotency::KEY,
            request_id.clone(),
        ])
        .expose_headers([
            request_id,
            header::ETAG,
            header::RETRY_AFTER,
            idempotency::REPLAYED,
        ])
        .max_age(PREFLIGHT_LIFETIME)
}
