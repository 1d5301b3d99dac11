//! The second listener: `/healthz`, `/readyz`, `/metrics`, and `POST /drain`, which does what SIGTERM does. It is never reachable
//! from outside.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode, body::Incoming, header, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{metrics::Metrics, process::Process};
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
        ("/readyz", Phase::Ready) if lifecycle.is_full() => {
            Some((StatusCode::SERVICE_UNAVAILABLE, "full\n"))
        }
        ("/readyz", Phase::Ready) => Some((StatusCode::OK, "ready\n")),
        ("/readyz", Phase::Draining) => Some((StatusCode::NOT_FOUND, "draining\n")),
        _ => None,
    }
}

/// What the listener tells about.
#[derive(Debug)]
struct About {
    metrics: Metrics,
    lifecycle: Lifecycle,
    process: Process,
}

/// Serves until the task is aborted.
pub async fn serve(listener: TcpListener, metrics: Metrics, lifecycle: Lifecycle) {
    let process = Process::register(&metrics);
    // Ends with this task.
    let mut watching = JoinSet::new();
    watching.spawn(process.clone().watch_lag());
    let about = Arc::new(About {
        metrics,
        lifecycle,
        process,
    });
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = connection(stream, Arc::clone(&about));
                tokio::spawn(tokio::time::timeout(REQUEST_TIME_MAX, connection));
            }
            Err(error) => {
                tracing::warn!(%error, "metrics listener cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, about: Arc<About>) {
    let service = service_fn(|request: Request<Incoming>| {
        let response = respond(&request, &about);
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

fn respond(request: &Request<Incoming>, about: &About) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/drain") => {
            about.lifecycle.drain();
            text(StatusCode::ACCEPTED, "draining\n")
        }
        (&Method::GET | &Method::HEAD, "/metrics") => render(about),
        (&Method::GET | &Method::HEAD, path) => match health(path, &about.lifecycle) {
            Some((status, word)) => text(status, word),
            None => text(StatusCode::NOT_FOUND, "/healthz, /readyz, /metrics\n"),
        },
        _ => text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n"),
    }
}

fn render(about: &About) -> Response<Full<Bytes>> {
    about.process.look(&about.lifecycle);
    match about.metrics.render() {
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
