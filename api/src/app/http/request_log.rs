//! One line a request, and its metrics. Never query strings, cookies or bodies: they carry tokens and people's words.

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use shared::telemetry::{
    RequestId,
    trace::{Span, TraceContext, within},
};
use tokio::time::Instant;
use tracing::{Instrument, field, info_span};

use crate::app::{App, db::tally, metrics::ApiMetrics};

const HEADER: HeaderName = HeaderName::from_static(RequestId::HEADER);
const TRACE: HeaderName = HeaderName::from_static(TraceContext::HEADER);

/// Names the request, lets it run, writes the line.
pub(super) async fn log(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = RequestId::from_caller(given(&request, &HEADER));
    let caller = given(&request, &TRACE).and_then(|text| text.parse().ok());
    request.extensions_mut().insert(id.clone());
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let mut span = Span::serving(|| format!("{method} {route}").into(), caller);
    let trace = span.context();
    // What is logged on the way names the request too, and whose it is once that is known.
    let trace_id = trace.trace_id();
    let lines = info_span!("request", request_id = %id, trace_id, user_id = field::Empty);

    let in_flight = InFlight::new(app.metrics());
    let started = Instant::now();
    let work = within(trace, next.run(request)).instrument(lines.clone());
    let (mut response, statements) = tally(work).await;
    let seconds = started.elapsed().as_secs_f64();
    drop(in_flight);

    let status = response.status().as_u16();
    let metrics = app.metrics();
    let labels = [&*route, method, &status.to_string()];
    metrics.http_requests.with_label_values(&labels).inc();
    metrics.rejected(status);
    let histogram = &metrics.http_request_seconds;
    histogram.with_label_values(&labels[..2]).observe(seconds);
    let counter = &metrics.http_request_statements;
    counter.with_label_values(&labels[..2]).inc_by(statements);
    span.note("http.response.status_code", i64::from(status));
    span.note("hubbub.request_id", id.as_str().to_owned());
    if status >= 500 {
        span.failed();
    }
    // A balancer asks after our health every second or two.
    lines.in_scope(|| match &*route {
        "/healthz" | "/readyz" => {
            tracing::debug!(method, route, status, seconds, statements, "request");
        }
        _ => tracing::info!(method, route, status, seconds, statements, "request"),
    });

    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn given<'a>(request: &'a Request, name: &HeaderName) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// Counts the requests under way, also those whose client went away.
struct InFlight(ApiMetrics);

impl InFlight {
    fn new(metrics: &ApiMetrics) -> Self {
        metrics.http_in_flight.inc();
        Self(metrics.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.http_in_flight.dec();
    }
}

/// Methods are the caller's to invent; labels are not.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
