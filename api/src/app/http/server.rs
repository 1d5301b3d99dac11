//! The listener: bounded connections, bounded waits, and an orderly end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use shared::lifecycle::Lifecycle;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::Service;

/// Connections at a time. Balancers keep some open to every pod.
const CONNECTIONS_MAX: usize = 4096;
/// The longest wait for a request's head, and for the next request on a kept connection.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);
/// Size of a request's head, in bytes.
const HEAD_BYTES_MAX: usize = 32 << 10;

/// Who is at the other end of the connection; a proxy, most often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// How the end went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Drained {
    /// Every request was answered.
    Completely,
    /// Time was up before every request was answered.
    CutOff,
}

/// How long it takes to end, once it is told to.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) struct Patience {
    /// Goes on as before: whoever sends requests is to see first that it is not ready any more, and sends none into a connection
    /// that is being closed.
    pub(in crate::app) delay: Duration,
    /// Then requests under way finish.
    pub(in crate::app) timeout: Duration,
}

/// Serves until told to drain, and as long as `patience` says after it.
pub(in crate::app) async fn serve(
    listener: TcpListener,
    router: Router,
    lifecycle: Lifecycle,
    patience: Patience,
) -> Drained {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = GracefulShutdown::new();
    let is_over = async {
        lifecycle.draining().await;
        tokio::time::sleep(patience.delay).await;
    };
    tokio::pin!(is_over);
    loop {
        // The permit comes first: a connection that cannot be served stays in the kernel's queue.
        let accepted = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, listener.accept().await)
        };
        tokio::select! {
            () = &mut is_over => break,
            (permit, accepted) = accepted => match (permit, accepted) {
                (Ok(permit), Ok((stream, peer))) => {
                    let connection =
                        connection(stream, peer, router.clone(), connections.watcher(), permit);
                    tokio::spawn(connection);
                }
                (_, Err(error)) => {
                    // Out of descriptors, most likely: trying again at once would only burn the processor.
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                (Err(_), _) => break,
            },
        }
    }
    drop(listener);
    match tokio::time::timeout(patience.timeout, connections.shutdown()).await {
        Ok(()) => Drained::Completely,
        Err(_) => Drained::CutOff,
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    watcher: Watcher,
    _permit: OwnedSemaphorePermit,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "connection lost at once");
        return;
    }
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        // A router is always ready, as axum's own `serve` relies on too.
        router.clone().call(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "connection ended");
    }
}
