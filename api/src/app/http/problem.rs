//! Every refusal leaves as `application/problem+json`.

use std::any::Any;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, Response as HttpResponse, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use shared::{
    telemetry::RequestId,
    wire::{Code, Problem},
};

use crate::app::error::Error;

impl IntoResponse for Error {
    /// The status, with the error itself as an extension: the layer `write` makes the body, where the request's id is known.
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code().status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Logs errors and writes their documents.
pub(super) async fn write(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    let Some(error) = response.extensions_mut().remove::<Error>() else {
        return response;
    };
    error.log();
    let mut problem = error.to_problem();
    problem.request_id = id.map(|id| id.to_string());
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    let media_type = HeaderValue::from_static(Problem::CONTENT_TYPE);
    headers.insert(header::CONTENT_TYPE, media_type);
    if let Some(wait_ms) = problem.retry_after_ms {
        // Whole seconds, never less than what the body says.
        headers.insert(header::RETRY_AFTER, wait_ms.div_ceil(1000).into());
    }
    if problem.status == 401 {
        let scheme = HeaderValue::from_static("Bearer");
        headers.insert(header::WWW_AUTHENTICATE, scheme);
    }
    let body = serde_json::to_vec(&problem).expect("texts and numbers always serialise");
    *response.body_mut() = Body::from(body);
    response
}

/// What a panic is answered with. The message goes to the log alone.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that the layer calls"
)]
pub(super) fn from_panic(panic: Box<dyn Any + Send + 'static>) -> HttpResponse<Body> {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(message, "a handler panicked");
    Error::new(Code::Internal, "the request id leads to the log").into_response()
}
