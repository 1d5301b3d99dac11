//! From a request to a connection: the checks, in their order, each with its own answer.
//!
//! 1. the door: draining, too many connections, too many handshakes, too many of one address ([`admission`])
//! 2. the request: an upgrade, the subprotocol, where to resume ([`resume`])
//! 3. who: header, query, cookie with its origin, or a first frame ([`credentials`], [`origin`])
//!
//! A refusal is a problem document; after the upgrade, for the first-frame way, an `error` frame and a close.

mod admission;
mod credentials;
mod first_frame;
mod origin;
mod resume;

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response};
use shared::{
    credentials::Purpose,
    wire::{CloseReason, Code},
};
use tokio::{net::TcpStream, sync::OwnedSemaphorePermit};

use self::credentials::{Claim, Known};
use crate::{
    codec::{Frame, Window},
    door::Stranger,
    hub::Arrival,
    metrics::HandshakeResult,
    node::Node,
    refusal::Refusal,
    session::{Introduction, Resume},
    transport::ws::{self, Protocol},
};

/// A reconnect by resume token is possible for so long; never beyond what is known of the session's end.
const RESUME_LIFETIME: Duration = Duration::from_hours(24);

/// An upgrade that was granted. It becomes a connection when hyper has let go of the stream.
#[derive(Debug)]
pub(crate) struct Granted {
    /// `None`: the first frame will say.
    known: Option<Known>,
    resume: Resume,
    protocol: Protocol,
    /// Of a client that takes compressed messages.
    window: Option<Window>,
    place: OwnedSemaphorePermit,
    /// Counts until it is known who it is, where a proxy told where from.
    stranger: Option<Stranger>,
}

/// Checks a request for an upgrade; the response is either the upgrade or never sent.
pub(crate) async fn check<B>(
    node: &Arc<Node>,
    request: &mut Request<B>,
    peer: IpAddr,
) -> Result<(Response<Full<Bytes>>, Granted), Refusal> {
    let place = admission::place(node)?;
    let stranger = admission::stranger(node, peer, request.headers())?;
    let protocol = ws::protocol(request);
    let (response, window) = ws::accept(request, protocol)
        .map_err(|error| Refusal::new(Code::InvalidRequest, error.to_string()))?;
    let query = request.uri().query().unwrap_or_default();
    let resume = resume::from_query(query)?;
    let known = match credentials::claim(request)? {
        // Nothing is checked for a version that is not spoken: that is all the client needs to hear.
        _ if protocol == Protocol::Unsupported => None,
        Claim::None => None,
        claim => {
            if let Claim::Cookie(_) = claim {
                origin::check(request, &node.config.http.allowed_origins)?;
            }
            Some(credentials::establish(node, claim).await?)
        }
    };
    let granted = Granted {
        known,
        resume,
        protocol,
        window,
        place,
        stranger,
    };
    Ok((response, granted))
}

/// After the upgrade: finds out who it is, if that is still open, and hands the connection to its shard.
pub(crate) async fn complete(
    node: &Arc<Node>,
    mut stream: TcpStream,
    unread: Vec<u8>,
    granted: Granted,
    stranger: Option<Stranger>,
) {
    if granted.protocol == Protocol::Unsupported {
        let close = Frame::close(CloseReason::UnsupportedVersion, None);
        node.metrics.handshake(HandshakeResult::Malformed);
        return ws::refuse(stream, &[close]).await;
    }
    let window = granted.window;
    let (known, resume, unread) = match granted.known {
        Some(known) => (known, granted.resume, unread),
        None => {
            match first_frame::authenticate(node, &mut stream, unread, window.is_some()).await {
                Ok((known, resume, unread)) => {
                    let in_frame = resume.unwrap_or(granted.resume);
                    (known, in_frame, unread)
                }
                Err(failed) => return failed.tell(node, stream).await,
            }
        }
    };
    drop((stranger, granted.stranger));
    let arrival = match arrival(
        node,
        stream,
        (unread, window),
        (known, resume),
        granted.place,
    ) {
        Ok(arrival) => arrival,
        Err(error) => {
            node.metrics.handshake(HandshakeResult::Error);
            return tracing::warn!(%error, "a connection cannot be taken off its runtime");
        }
    };
    node.metrics.handshake(HandshakeResult::Ok);
    let connection = arrival.line.connection();
    if let Err(error) = node.hub.admit(arrival).await {
        tracing::debug!(%error, "a connection came too late");
    }
    node.roster.announce(connection).await;
}

fn arrival(
    node: &Arc<Node>,
    stream: TcpStream,
    (unread, window): (Vec<u8>, Option<Window>),
    (known, resume): (Known, Resume),
    place: OwnedSemaphorePermit,
) -> std::io::Result<Arrival> {
    let now = node.clock.now_seconds();
    let left = u64::try_from(known.resumable_until.saturating_sub(now)).unwrap_or(0);
    let lifetime = RESUME_LIFETIME.min(Duration::from_secs(left));
    let who = known.who;
    let line = node.roster.write(who.user_id, node.clock.now_ms());
    let owner = (who.user_id, who.session_id, who.role);
    let (resume_token, _) = node.tokens.mint(Purpose::Resume, owner, lifetime);
    Ok(Arrival {
        stream: stream.into_std()?,
        unread,
        window,
        introduction: Introduction {
            connection_id: line.connection().name.to_string(),
            who,
            resume_token,
            resume,
            jitter: rand::random(),
        },
        line,
        guards: (place, node.metrics.opened()),
    })
}
