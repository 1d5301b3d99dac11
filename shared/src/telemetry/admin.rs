//! The second listener: `/healthz`, `/readyz` and `/metrics`. It is never reachable from outside.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode, body::Incoming, header, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::metrics::Metrics;
use crate::lifecycle::{Lifecycle, Phase};

const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);

/// `/healthz` says that the process runs, `/readyz` that it should get traffic.
///
/// While draining `/readyz` is 404, not 503: balancers then send no new sessions but go on serving those that are there
/// (`HAProxy`: `http-check disable-on-404`); kubelet takes both for unready.
pub fn health(path: &str, lifecycle: &Lifecycle) -> Option<(StatusCode, &'static str)> {
    match (path, lifecycle.phase()) {
        ("/healthz", _) => Some((StatusCode::OK, "alive\n")),
        ("/readyz", Phase::Starting) => Some((StatusCode::SERVICE_UNAVAILABLE, "starting\n")),
        ("/readyz", Phase::Ready) => Some((StatusCode::OK, "ready\n")),
        ("/readyz", Phase::Draining) => Some((StatusCode::NOT_FOUND, "draining\n")),
        _ => None,
    }
}

/// Serves until the task is aborted.
pub async fn serve(listener: TcpListener, metrics: Metrics, lifecycle: Lifecycle) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = connection(stream, metrics.clone(), lifecycle.clone());
                tokio::spawn(tokio::time::timeout(REQUEST_TIME_MAX, connection));
            }
            Err(error) => {
                tracing::warn!(%error, "metrics listener cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, metrics: Metrics, lifecycle: Lifecycle) {
    let service = service_fn(|request: Request<Incoming>| {
        let response = respond(&request, &metrics, &lifecycle);
        async move { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "metrics connection ended");
    }
}

fn respond(
    request: &Request<Incoming>,
    metrics: &Metrics,
    lifecycle: &Lifecycle,
) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
    }
    if let Some((status, word)) = health(path, lifecycle) {
        return text(status, word);
    }
    if path != "/metrics" {
        return text(StatusCode::NOT_FOUND, "/healthz, /readyz, /metrics\n");
    }
    match metrics.render() {
        Ok(body) => {
            let mut response = Response::new(Full::new(Bytes::from(body)));
            let version = header::HeaderValue::from_static(prometheus::TEXT_FORMAT);
            response.headers_mut().insert(header::CONTENT_TYPE, version);
            response
        }
        Err(error) => {
            tracing::error!(%error, "metrics cannot be rendered");
            text(StatusCode::INTERNAL_SERVER_ERROR, "see the log\n")
        }
    }
}

fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response
}
