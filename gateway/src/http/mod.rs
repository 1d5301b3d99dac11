//! The public port's HTTP: one request a connection. `/ws` and `/socket.io/` turn into WebSockets, `/events` and `/events/poll` into an
//! answer that a shard writes, `/healthz` and `/readyz` answer, everything else is a problem document.

pub(crate) mod engine;
mod events;
mod place;
mod socketio;

use std::{
    convert::Infallible,
    future::{Future, pending, poll_fn},
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, body::Incoming, header, server::conn::http1, service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use shared::{telemetry::admin, wire::Code};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

pub(crate) use self::events::cors;
use self::{
    engine::{Outcome, Probe, Wait},
    events::with,
};
use crate::{
    door::Stranger,
    handshake::{self, Granted, resume::parameter},
    metrics::{HandshakeResult, Refused},
    node::Node,
    refusal::Refusal,
    relay::Relayed,
    transport::Transport,
};

const HEADER_BYTES_MAX: usize = 8 * 1024;
const BUFFER_BYTES_MAX: usize = 16 * 1024;
const HEADER_TIME_MAX: Duration = Duration::from_secs(5);
/// For the answer to go out, after the time of a handshake.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// Before anything was read, and so without a body.
const TURNED_AWAY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What a request is that hyper does not answer, or not alone.
enum Taken {
    Connection(Box<Granted>),
    Probe(Probe),
    Poll(Wait),
    Relay(Relayed),
}

/// What is taken from hyper.
pub(crate) trait Take {
    /// Whether there is no response of hyper's to be waited for.
    fn writes_itself(&self) -> bool;
}

impl Take for Taken {
    /// A WebSocket's upgrade is a response; a stream of events and a poll write their own.
    fn writes_itself(&self) -> bool {
        match self {
            Self::Connection(granted) => !granted.is_upgrade(),
            Self::Probe(_) => false,
            Self::Poll(_) | Self::Relay(_) => true,
        }
    }
}

/// Where a request leaves what is to be taken.
pub(crate) struct Slot<T>(Mutex<Option<T>>);

impl<T> Slot<T> {
    pub(crate) fn put(&self, taken: T) {
        *self.lock() = Some(taken);
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's stream after the response, what the client sent already, and what it is for.
pub(crate) type Upgraded<T> = (TcpStream, Vec<u8>, T);

/// What goes on after a request, for as long as a session may: it is no handshake any more.
pub(crate) type Lasting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Serves one connection until it is answered, or has become a connection and belongs to its shard. Whatever was asked has an
/// answer when the time of a handshake is over. The stranger counts until it is known who it is, or nobody is there any more.
/// Returns what is left to be done and may take long.
pub(crate) async fn serve(
    node: &Arc<Node>,
    stream: TcpStream,
    (peer, stranger): (IpAddr, Option<Stranger>),
) -> Option<Lasting> {
    let deadline = Instant::now() + node.config.timing.handshake;
    // Both futures are large while they run and gone afterwards: an open connection keeps neither.
    let answered = timeout_at(
        deadline + ANSWER_TIME_MAX,
        Box::pin(answer(node, stream, (peer, deadline))),
    )
    .await;
    let owner = Arc::clone(node);
    // Whoever knows a session's name is no stranger.
    match answered {
        Ok(Some((stream, _, Taken::Poll(wait)))) => {
            return Some(Box::pin(
                async move { wait.run(&owner.polls, stream).await },
            ));
        }
        Ok(Some((stream, unread, Taken::Probe(probe)))) => {
            return Some(Box::pin(async move {
                probe.run(&*owner, stream, unread).await;
            }));
        }
        Ok(Some((stream, unread, Taken::Relay(relayed)))) => {
            return Some(Box::pin(relayed.run(stream, unread)));
        }
        Ok(Some((stream, unread, Taken::Connection(granted)))) => {
            let completed = handshake::complete(node, stream, unread, *granted, stranger);
            Box::pin(completed).await;
        }
        Ok(None) => {}
        Err(_) => tracing::debug!("nobody takes an answer"),
    }
    None
}

/// Says no to somebody who has too many connections open that say nothing. Not waited for: it is one write to an empty
/// buffer, and who is not read may lose the answer.
pub(crate) fn turn_away(stream: &TcpStream) {
    if let Err(error) = stream.try_write(TURNED_AWAY) {
        tracing::debug!(%error, "nobody heard a refusal");
    }
}

async fn answer(
    node: &Arc<Node>,
    stream: TcpStream,
    (peer, deadline): (IpAddr, Instant),
) -> Option<Upgraded<Taken>> {
    // Hyper's buffers are made only for somebody who says something.
    let Ok(spoken) = timeout_at(deadline, stream.readable()).await else {
        node.metrics.refused(Refused::Time);
        return None;
    };
    spoken.ok()?;
    let (stream, place) = place::wait(node, stream, deadline).await?;
    // Boxed, for a connection that is polled and not awaited has to have a service that can be moved.
    let taken = take(stream, |mut request, slot| {
        request.extensions_mut().insert(place.clone());
        Box::pin(respond(node, request, (peer, deadline), slot))
    });
    taken.await.unwrap_or_else(|error| {
        if error.is_timeout() {
            node.metrics.refused(Refused::Time);
        }
        tracing::debug!(%error, "a request that could not be answered");
        None
    })
}

/// Has hyper read one request, and answer it; or takes the stream from hyper, for whatever `respond` has put into the slot.
pub(crate) async fn take<'a, T: Take, F>(
    stream: TcpStream,
    respond: impl Fn(Request<Incoming>, Arc<Slot<T>>) -> F,
) -> hyper::Result<Option<Upgraded<T>>>
where
    F: Future<Output = Response<Full<Bytes>>> + Unpin + 'a,
{
    let slot = Arc::new(Slot(Mutex::new(None)));
    let service = service_fn(|request| {
        let responding = respond(request, Arc::clone(&slot));
        Box::pin(async move { Ok::<_, Infallible>(responding.await) })
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME_MAX)
        .max_header_size(HEADER_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let served = poll_fn(|context| {
        let polled = connection.poll_without_shutdown(context);
        // A stream of events writes its answer itself: nothing has been written yet, and hyper has nothing more to do.
        if polled.is_pending() && slot.lock().as_ref().is_some_and(Take::writes_itself) {
            return Poll::Ready(Ok(()));
        }
        polled
    });
    served.await?;
    let parts = connection.into_parts();
    let taken = slot.lock().take();
    // Copied, because it would keep hyper's whole buffer.
    Ok(taken.map(|taken| (parts.io.into_inner(), parts.read_buf.to_vec(), taken)))
}

async fn respond(
    node: &Arc<Node>,
    mut request: Request<Incoming>,
    (peer, deadline): (IpAddr, Instant),
    slot: Arc<Slot<Taken>>,
) -> Response<Full<Bytes>> {
    let Some(transport) = Transport::at(request.uri().path()) else {
        return plain(node, &request);
    };
    let checked = check(node, &mut request, (peer, transport), &slot);
    if let Ok(response) = timeout_at(deadline, checked).await {
        return response;
    }
    // What comes for a session that is polled is no handshake any more.
    let query = request.uri().query().unwrap_or_default();
    if transport != Transport::SocketIo || parameter(query, "sid").is_none() {
        node.metrics.handshake(transport, HandshakeResult::Timeout);
    }
    let cors = cors(&request, &node.config.http.allowed_origins);
    with(Refusal::too_late(Code::Unavailable).to_response(), cors)
}

/// Grants what is asked for, or answers.
async fn check(
    node: &Arc<Node>,
    request: &mut Request<Incoming>,
    (peer, transport): (IpAddr, Transport),
    slot: &Slot<Taken>,
) -> Response<Full<Bytes>> {
    let grant = |granted| slot.put(Taken::Connection(Box::new(granted)));
    match transport {
        Transport::WebSocket if request.method() != Method::GET => get_only(),
        Transport::WebSocket => match handshake::check_upgrade(node, request, peer).await {
            Ok((response, granted)) => {
                grant(granted);
                response
            }
            Err(refusal) => {
                let result = refusal.result();
                node.metrics.handshake(Transport::WebSocket, result);
                refusal.to_response()
            }
        },
        Transport::SocketIo => match engine::respond(node, request, peer).await {
            Outcome::Answer(response) => response,
            Outcome::Upgrade(response, granted) => {
                slot.put(Taken::Connection(granted));
                response
            }
            Outcome::Probe(response, probe) => {
                slot.put(Taken::Probe(probe));
                response
            }
            Outcome::Relay(relayed) => {
                slot.put(Taken::Relay(relayed));
                pending().await
            }
            Outcome::Poll(wait) => {
                slot.put(Taken::Poll(wait));
                pending().await
            }
        },
        Transport::EventStream | Transport::Poll => {
            match events::respond(node, request, peer, transport).await {
                Ok(granted) => {
                    grant(granted);
                    // The connection is taken from hyper, and this with it.
                    pending().await
                }
                Err(response) => response,
            }
        }
    }
}

fn plain(node: &Node, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET {
        return get_only();
    }
    if let Some((status, word)) = admin::health(request.uri().path(), &node.lifecycle) {
        let mut response = Response::new(Full::from(word));
        *response.status_mut() = status;
        return response;
    }
    let detail = "Here are /ws, /socket.io/, /events, /events/poll, /healthz and /readyz";
    Refusal::new(Code::NotFound, detail).to_response()
}

fn get_only() -> Response<Full<Bytes>> {
    let refusal = Refusal::new(Code::MethodNotAllowed, "GET only");
    let mut response = refusal.to_response();
    let allow = header::HeaderValue::from_static("GET");
    response.headers_mut().insert(header::ALLOW, allow);
    response
}
