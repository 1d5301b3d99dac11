//! `/events` and `/events/poll`, which pages of other origins may ask for too.

use std::{fmt::Write as _, net::IpAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use shared::wire::Code;

use crate::{
    handshake::{self, Granted},
    node::Node,
    refusal::Refusal,
    transport::{EventStream, Outlet, Poll, Transport},
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// Grants a stream or a poll, or answers at once.
pub(super) async fn respond<B>(
    node: &Arc<Node>,
    request: &Request<B>,
    peer: IpAddr,
    transport: Transport,
) -> Result<Granted, Response<Full<Bytes>>> {
    let cors = cors(request, &node.config.http.allowed_origins);
    let answer = match *request.method() {
        Method::OPTIONS => preflight(),
        Method::GET | Method::HEAD => {
            let outlet = outlet(request, transport, lines(&cors));
            match handshake::check_events(node, request, peer, outlet).await {
                Ok(granted) if request.method() == Method::GET => return Ok(granted),
                Ok(_) => head(transport),
                Err(refusal) => {
                    node.metrics.handshake(transport, refusal.result());
                    refusal.to_response()
                }
            }
        }
        _ => {
            let refusal = Refusal::new(Code::MethodNotAllowed, "GET, HEAD or OPTIONS");
            let mut response = refusal.to_response();
            response.headers_mut().insert(header::ALLOW, METHODS);
            response
        }
    };
    Err(with(answer, cors))
}

fn outlet<B>(request: &Request<B>, transport: Transport, headers: String) -> Outlet {
    if transport == Transport::Poll {
        let first = handshake::resume::cursor(request).is_none();
        return Outlet::Poll(Box::new(Poll::new(first, headers)));
    }
    let query = request.uri().query().unwrap_or_default();
    let named = handshake::resume::parameter(query, "named") == Some("true");
    Outlet::EventStream(Box::new(EventStream::new(named, headers)))
}

/// What a page may read and send. Nothing, unless its origin is on the list.
pub(crate) fn cors<B>(request: &Request<B>, allowed: &[String]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    let origin = request.headers().get(header::ORIGIN);
    let listed = |origin: &&HeaderValue| allowed.iter().any(|allowed| *allowed == **origin);
    if let Some(origin) = origin.filter(listed) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, "retry-after"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    headers
}

/// Says which headers a page may send. Without an allowed origin in the answer it may not send anything.
fn preflight() -> Response<Full<Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    let sent = "authorization, cache-control, last-event-id";
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(sent),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("600"),
    );
    response
}

/// What a `GET` would begin with.
fn head(transport: Transport) -> Response<Full<Bytes>> {
    let content_type = match transport {
        Transport::EventStream => "text/event-stream",
        Transport::WebSocket | Transport::Poll | Transport::SocketIo => "application/json",
    };
    let mut response = Response::default();
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

pub(super) fn with(
    mut response: Response<Full<Bytes>>,
    headers: HeaderMap,
) -> Response<Full<Bytes>> {
    response.headers_mut().extend(headers);
    response
}

/// As they stand in a head that hyper does not write.
pub(super) fn lines(headers: &HeaderMap) -> String {
    let mut lines = String::new();
    let texts = headers
        .iter()
        .filter_map(|(name, value): (&HeaderName, _)| Some((name, value.to_str().ok()?)));
    for (name, value) in texts {
        write!(lines, "{name}: {value}\r\n").expect("a String takes any text");
    }
    lines
}
