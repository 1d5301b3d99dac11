//! The public port's HTTP: one request a connection. `/ws` turns into a WebSocket, `/healthz` and `/readyz` answer,
//! everything else is a problem document.

use std::{
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, body::Incoming, header, server::conn::http1, service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use shared::{telemetry::admin, wire::Code};
use tokio::{net::TcpStream, time::timeout};

use crate::{
    door::Stranger,
    handshake::{self, Granted},
    metrics::HandshakeResult,
    node::Node,
    refusal::Refusal,
};

const HEADER_BYTES_MAX: usize = 8 * 1024;
const BUFFER_BYTES_MAX: usize = 16 * 1024;
const HEADER_TIME_MAX: Duration = Duration::from_secs(5);

/// Before anything was read, and so without a body.
const TURNED_AWAY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// A connection's stream after the response, what the client sent already, and what was granted.
type Upgraded = (TcpStream, Vec<u8>, Granted);

/// Serves one connection until it is answered, or has become a WebSocket and belongs to its shard. The stranger counts
/// until it is known who it is, or nobody is there any more.
pub(crate) async fn serve(
    node: &Arc<Node>,
    stream: TcpStream,
    (peer, stranger): (IpAddr, Option<Stranger>),
) {
    // Both futures are large while they run and gone afterwards: an open connection keeps neither.
    let answered = timeout(
        node.config.timing.handshake,
        Box::pin(answer(node, stream, peer)),
    )
    .await;
    match answered {
        Ok(Some((stream, unread, granted))) => {
            let completed = handshake::complete(node, stream, unread, granted, stranger);
            Box::pin(completed).await;
        }
        Ok(None) => {}
        Err(_) => node.metrics.handshake(HandshakeResult::Timeout),
    }
}

/// Says no to somebody who has too many connections open that say nothing. Not waited for: it is one write to an empty
/// buffer, and who is not read may lose the answer.
pub(crate) fn turn_away(stream: &TcpStream) {
    if let Err(error) = stream.try_write(TURNED_AWAY) {
        tracing::debug!(%error, "nobody heard a refusal");
    }
}

async fn answer(node: &Arc<Node>, stream: TcpStream, peer: IpAddr) -> Option<Upgraded> {
    // Hyper's buffers are made only for somebody who says something.
    stream.readable().await.ok()?;
    let _permit = node.handshakes.acquire().await.ok()?;
    let granted = Mutex::new(None);
    let service = service_fn(|request| {
        let granted = &granted;
        async move { Ok::<_, Infallible>(respond(node, request, peer, granted).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME_MAX)
        .max_header_size(HEADER_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .without_shutdown()
        .await;
    let (io, unread) = match served {
        // Copied, because it would keep hyper's whole buffer.
        Ok(parts) => (parts.io, parts.read_buf.to_vec()),
        Err(error) => {
            tracing::debug!(%error, "a request that could not be answered");
            return None;
        }
    };
    let granted = granted
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)?;
    Some((io.into_inner(), unread, granted))
}

async fn respond(
    node: &Arc<Node>,
    mut request: Request<Incoming>,
    peer: IpAddr,
    granted: &Mutex<Option<Granted>>,
) -> Response<Full<Bytes>> {
    if request.method() != Method::GET {
        let refusal = Refusal::new(Code::MethodNotAllowed, "GET only");
        let mut response = refusal.to_response();
        let allow = header::HeaderValue::from_static("GET");
        response.headers_mut().insert(header::ALLOW, allow);
        return response;
    }
    let path = request.uri().path();
    if let Some((status, word)) = admin::health(path, &node.lifecycle) {
        let mut response = Response::new(Full::from(word));
        *response.status_mut() = status;
        return response;
    }
    if path != "/ws" {
        return Refusal::new(Code::NotFound, "Here are /ws, /healthz and /readyz").to_response();
    }
    match handshake::check(node, &mut request, peer).await {
        Ok((response, grant)) => {
            *granted.lock().unwrap_or_else(PoisonError::into_inner) = Some(grant);
            response
        }
        Err(refusal) => {
            node.metrics.handshake(refusal.result());
            refusal.to_response()
        }
    }
}
