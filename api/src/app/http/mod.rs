//! The HTTP side: how a request comes in, and what every answer has.

mod address;
pub mod answer;
mod auth;
mod cookies;
mod cors;
mod csrf;
mod etag;
mod headers;
mod idempotency;
pub mod json;
mod limits;
pub mod page;
mod path;
pub mod place;
mod problem;
mod request_log;
#[cfg(test)]
mod roles_tests;
mod server;
#[cfg(test)]
mod tests;
mod wrong_types;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use shared::{lifecycle::Lifecycle, telemetry::admin, wire::Code};
use tower_http::catch_panic::CatchPanicLayer;

pub use address::ClientAddress;
pub use auth::{Admin, Gateway, Service, SignedIn, Visitor};
pub use cookies::{clear_session_cookie, set_session_cookie};
pub(in crate::app) use idempotency::HOUSEKEEPING;
pub use idempotency::STATEMENTS;
pub(in crate::app) use idempotency::{KEY_BYTES_MAX as IDEMPOTENCY_KEY_BYTES_MAX, never_stored};
pub use path::Path;
pub(in crate::app) use server::{Drained, Patience, serve};

use super::{
    App, asyncapi,
    commands::{self, Registry},
    error::Error,
    event_log,
    feature::Feature,
    openapi,
};

/// The largest body that is read, in bytes.
pub const BODY_BYTES_MAX: usize = 64 << 10;
/// The longest a request may take; longer than every timeout inside it.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(15);

/// Every feature's routes with the layers around them.
pub(in crate::app) fn router(app: App, features: Vec<Feature>, lifecycle: &Lifecycle) -> Router {
    let sockets = asyncapi::Document::new(&features);
    let public = openapi::routes().merge(asyncapi::routes());
    let (mut public, mut internal) = (public, Router::new());
    let mut socket = Vec::new();
    for feature in features {
        public = public.merge(feature.routes);
        internal = internal.merge(feature.internal);
        socket.extend(feature.commands);
    }
    let (public, document) = public.into_parts(&app);
    let public = public
        .layer(Extension(Arc::new(document)))
        .layer(Extension(Arc::new(sockets)))
        // The transaction that it opens is the handler's: nothing in between may use another.
        .layer(from_fn_with_state(app.clone(), idempotency::remember))
        .layer(from_fn(etag::validate))
        .layer(from_fn_with_state(app.clone(), limits::limit));
    let internal = internal
        .merge(event_log::routes())
        .merge(commands::routes(Registry::new(socket)))
        // Frames of a socket have their own limit, and come here wrapped.
        .layer(DefaultBodyLimit::max(4 * BODY_BYTES_MAX));
    let health = |path: &'static str| {
        let lifecycle = lifecycle.clone();
        get(async move || match admin::health(path, &lifecycle) {
            Some(health) => health.into_response(),
            None => Error::not_found("route").into_response(),
        })
    };
    let routes = Router::new()
        .nest("/api/v1", public.clone())
        .nest("/api", public)
        .nest("/internal", internal)
        .merge(openapi::page())
        .route("/healthz", health("/healthz"))
        .route("/readyz", health("/readyz"))
        .fallback(async || Error::not_found("route"))
        .method_not_allowed_fallback(async || {
            Error::new(Code::MethodNotAllowed, "see the Allow header")
        });
    layered(routes, app)
}

/// From the handler outwards; a request passes them from the last to the first.
fn layered(routes: Router<App>, app: App) -> Router {
    routes
        // A cookie must not act for another site's page. Innermost, because it needs nothing but the head.
        .layer(from_fn_with_state(app.clone(), csrf::check))
        // Bodies are read by extractors, which ask this limit.
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        // Around everything that waits, so that no request holds a connection for ever.
        .layer(from_fn(limit_time))
        // Defects end one request, not the process.
        .layer(CatchPanicLayer::custom(problem::from_panic))
        // Outside of what may refuse: a page of another origin must be able to read the refusal.
        .layer(cors::layer(app.settings()))
        .layer(from_fn(headers::add_security_headers))
        // Writes problem documents, with the request's id; so everything that refuses is inside.
        .layer(from_fn(problem::write))
        // Outermost: names the request, and sees the answer that the client sees.
        .layer(from_fn_with_state(app.clone(), request_log::log))
        .with_state(app)
}

async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIME_MAX, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::new(Code::Timeout, "the request took too long").into_response(),
    }
}
