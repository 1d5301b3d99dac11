//! From a request to a connection: the checks, in their order, each with its own answer.
//!
//! 1. the door: draining, too many connections, too many handshakes, too many of one address ([`admission`])
//! 2. the request: an upgrade and its subprotocol, or a stream of events; where to resume ([`resume`])
//! 3. who: header, query, cookie with its origin, or a first frame ([`credentials`], [`origin`])
//!
//! A refusal is a problem document; after the upgrade, for the first-frame way, an `error` frame and a close.

pub(crate) mod admission;
mod credentials;
mod first_frame;
mod origin;
pub(crate) mod resume;
mod socketio;

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response};
use shared::{
    credentials::Purpose,
    wire::{CloseReason, Code},
};
use tokio::{net::TcpStream, sync::OwnedSemaphorePermit, time::Instant};

use self::credentials::{Claim, Known};
use crate::{
    codec::{Frame, socketio::Opening},
    door::Stranger,
    hub::Arrival,
    metrics::HandshakeResult,
    node::Node,
    refusal::Refusal,
    session::{Introduction, Resume},
    transport::{
        Outlet, SocketIo, Terms, Transport,
        ws::{self, Protocol},
    },
};

/// A reconnect by resume token is possible for so long; never beyond what is known of the session's end.
const RESUME_LIFETIME: Duration = Duration::from_hours(24);

/// A connection that was granted. It becomes a connection when hyper has let go of the stream.
#[derive(Debug)]
pub(crate) struct Granted {
    /// `None`: the first frame will say.
    known: Option<Known>,
    /// Why what the request showed is not enough, where something may follow.
    refusal: Option<Refusal>,
    resume: Resume,
    protocol: Protocol,
    outlet: Outlet,
    place: OwnedSemaphorePermit,
    /// When it was asked for.
    since: Instant,
    /// Counts until it is known who it is, where a proxy told where from.
    stranger: Option<Stranger>,
}

impl Granted {
    /// Whether hyper answers the request: a WebSocket's upgrade is a response, a stream of events writes its own.
    pub(crate) fn is_upgrade(&self) -> bool {
        matches!(
            self.outlet.transport(),
            Transport::WebSocket | Transport::SocketIo
        )
    }
}

/// Checks a request for a WebSocket; the response is either the upgrade or never sent.
pub(crate) async fn check_upgrade<B>(
    node: &Arc<Node>,
    request: &mut Request<B>,
    peer: IpAddr,
) -> Result<(Response<Full<Bytes>>, Granted), Refusal> {
    let admitted = admit(node, request, peer)?;
    let protocol = ws::protocol(request);
    let (response, window) = ws::accept(request, protocol)
        .map_err(|error| Refusal::new(Code::InvalidRequest, error.to_string()))?;
    let resume = resume::from_query(request.uri().query().unwrap_or_default())?;
    // Nothing is checked for a version that is not spoken: that is all the client needs to hear.
    let known = match protocol {
        Protocol::Unsupported => None,
        Protocol::Unnamed | Protocol::Native | Protocol::NativeInLines => {
            identify(node, request).await?
        }
    };
    let lines = protocol == Protocol::NativeInLines;
    let outlet = Outlet::WebSocket(Terms { window, lines });
    Ok((response, admitted.grant(known, resume, protocol, outlet)))
}

/// Checks a request for Socket.IO: for a WebSocket, whose upgrade is also returned, or to be polled. Who it is, the first packet
/// may say too.
pub(crate) async fn check_socket_io<B>(
    node: &Arc<Node>,
    request: &mut Request<B>,
    peer: IpAddr,
    engine: Opening,
) -> Result<(Response<Full<Bytes>>, Granted), Refusal> {
    let mut admitted = admit(node, request, peer)?;
    if engine.is_polled && admitted.stranger.is_none() {
        // The request, whose peer is counted, ends long before anybody knows who it is.
        admitted.stranger = admission::direct(node, peer)?;
    }
    let (response, window) = if engine.is_polled {
        Default::default()
    } else {
        ws::accept(request, Protocol::Unnamed)
            .map_err(|error| Refusal::new(Code::InvalidRequest, error.to_string()))?
    };
    let (known, refusal) = match identify(node, request).await {
        Ok(known) => (known, None),
        // The packet that connects may say it better; or the client comes back by its `pid`.
        Err(refusal) if refusal.is_about_who() => (None, Some(refusal)),
        Err(refusal) => return Err(refusal),
    };
    let outlet = Outlet::SocketIo(Box::new(SocketIo::new(engine, window.is_some())));
    let resume = Resume::default();
    let mut granted = admitted.grant(known, resume, Protocol::Unnamed, outlet);
    granted.refusal = refusal;
    Ok((response, granted))
}

/// Checks a request for events, as a stream or as one answer.
pub(crate) async fn check_events<B>(
    node: &Arc<Node>,
    request: &Request<B>,
    peer: IpAddr,
    outlet: Outlet,
) -> Result<Granted, Refusal> {
    let admitted = admit(node, request, peer)?;
    let resume = resume::from_events(request)?;
    let known = identify(node, request).await?;
    if known.is_none() {
        return Err(no_credentials());
    }
    Ok(admitted.grant(known, resume, Protocol::Unnamed, outlet))
}

/// Somebody who may come in, whoever it is.
struct Admitted {
    since: Instant,
    place: OwnedSemaphorePermit,
    stranger: Option<Stranger>,
}

fn admit<B>(node: &Node, request: &Request<B>, peer: IpAddr) -> Result<Admitted, Refusal> {
    let since = Instant::now();
    let place = admission::place(node)?;
    let stranger = admission::stranger(node, peer, request.headers())?;
    Ok(Admitted {
        since,
        place,
        stranger,
    })
}

impl Admitted {
    fn grant(
        self,
        known: Option<Known>,
        resume: Resume,
        protocol: Protocol,
        outlet: Outlet,
    ) -> Granted {
        Granted {
            known,
            refusal: None,
            resume,
            protocol,
            outlet,
            place: self.place,
            since: self.since,
            stranger: self.stranger,
        }
    }
}

fn no_credentials() -> Refusal {
    Refusal::new(Code::Unauthenticated, "No credentials")
}

/// Who it is, if the request says so.
async fn identify<B>(node: &Node, request: &Request<B>) -> Result<Option<Known>, Refusal> {
    Ok(match credentials::claim(request)? {
        Claim::None => None,
        claim => {
            if let Claim::Cookie(_) = claim {
                origin::check(request, &node.config.http.allowed_origins)?;
            }
            Some(credentials::establish(node, claim).await?)
        }
    })
}

/// After the upgrade: finds out who it is, if that is still open, and hands the connection to its shard.
pub(crate) async fn complete(
    node: &Arc<Node>,
    mut stream: TcpStream,
    unread: Vec<u8>,
    mut granted: Granted,
    stranger: Option<Stranger>,
) {
    if granted.protocol == Protocol::Unsupported {
        let close = Frame::close(CloseReason::UnsupportedVersion, None);
        node.metrics
            .handshake(Transport::WebSocket, HandshakeResult::Malformed);
        return ws::refuse(stream, &[close]).await;
    }
    let compressed = granted.outlet.hears_compressed().unwrap_or(false);
    let (known, resume, unread) = match (granted.known, &mut granted.outlet) {
        (known, Outlet::SocketIo(socket)) => {
            let known = known.ok_or_else(|| granted.refusal.unwrap_or_else(no_credentials));
            match socketio::connect(node, stream, unread, (known, socket)).await {
                Some((connected, known, resume, unread)) => {
                    stream = connected;
                    (known, resume, unread)
                }
                None => return,
            }
        }
        (Some(known), _) => (known, granted.resume, unread),
        (None, _) => match first_frame::authenticate(node, &mut stream, unread, compressed).await {
            Ok((known, resume, unread)) => {
                let in_frame = resume.unwrap_or(granted.resume);
                (known, in_frame, unread)
            }
            Err(failed) => return failed.tell(node, stream).await,
        },
    };
    drop((stranger, granted.stranger));
    let outlet = (unread, granted.outlet);
    let place = (granted.place, granted.since);
    hand_over(node, stream, outlet, (known, resume), place).await;
}

/// An engine of Socket.IO whose client has left the namespace.
pub(crate) struct SteppedOut {
    /// Taken off its shard.
    pub(crate) stream: std::net::TcpStream,
    /// What the client said after it left.
    pub(crate) unread: Vec<u8>,
    /// Whether it may send compressed messages.
    pub(crate) compressed: bool,
    pub(crate) place: OwnedSemaphorePermit,
}

/// Waits whether the client comes back into the namespace, as long as for a first packet. It says anew who it is: what it
/// showed with its request, or before, is not asked again.
pub(crate) async fn again(node: Arc<Node>, stepped: Box<SteppedOut>) {
    let SteppedOut {
        stream,
        unread,
        compressed,
        place,
    } = *stepped;
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => return tracing::warn!(%error, "an engine ends with its namespace"),
    };
    let mut socket = Box::new(SocketIo::again(compressed));
    let shown = (Err(no_credentials()), &mut *socket);
    let connected = socketio::connect(&node, stream, unread, shown);
    let Some((stream, known, resume, unread)) = Box::pin(connected).await else {
        return;
    };
    let outlet = (unread, Outlet::SocketIo(socket));
    let place = (place, Instant::now());
    hand_over(&node, stream, outlet, (known, resume), place).await;
}

/// Makes a connection of it, and gives it to its shard.
async fn hand_over(
    node: &Arc<Node>,
    stream: TcpStream,
    (unread, outlet): (Vec<u8>, Outlet),
    (known, resume): (Known, Resume),
    (place, since): (OwnedSemaphorePermit, Instant),
) {
    let transport = outlet.transport();
    let arrival = match arrival(
        node,
        stream,
        (unread, outlet),
        (known, resume),
        (place, since),
    ) {
        Ok(arrival) => arrival,
        Err(error) => {
            node.metrics.handshake(transport, HandshakeResult::Error);
            return tracing::warn!(%error, "a connection cannot be taken off its runtime");
        }
    };
    node.metrics.handshake(transport, HandshakeResult::Ok);
    let connection = arrival.line.connection();
    if let Err(error) = node.hub.admit(arrival).await {
        tracing::debug!(%error, "a connection came too late");
    }
    node.roster.announce(connection);
}

fn arrival(
    node: &Arc<Node>,
    stream: TcpStream,
    (unread, outlet): (Vec<u8>, Outlet),
    (known, resume): (Known, Resume),
    (place, since): (OwnedSemaphorePermit, Instant),
) -> std::io::Result<Arrival> {
    let now = node.clock.now_seconds();
    let left = u64::try_from(known.resumable_until.saturating_sub(now)).unwrap_or(0);
    let lifetime = RESUME_LIFETIME.min(Duration::from_secs(left));
    let who = known.who;
    let present = node.presence.come(who.user_id);
    let line = node.roster.write(who.user_id, node.clock.now_ms(), present);
    let owner = (who.user_id, who.session_id, who.role);
    let transport = outlet.transport();
    let (resume_token, _) = node.tokens.mint(Purpose::Resume, owner, lifetime);
    Ok(Arrival {
        stream: stream.into_std()?,
        unread,
        outlet,
        introduction: Introduction {
            connection_id: line.connection().name.to_string(),
            who,
            resume_token,
            resume,
            at_the_door: known.at_the_door,
            jitter: rand::random(),
        },
        line,
        guards: (place, node.metrics.opened(transport, since)),
    })
}
