//! Engine.IO's requests: one begins a session, belongs to one that is polled, turns one into a WebSocket, or is refused in the
//! words that its clients know. Whose sessions these are is the [`Host`]'s business.

mod polling;
mod probe;
mod unfit;

use std::{future::Future, net::IpAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{HeaderMap, Method, Request, Response, body::Incoming, header};
use tokio::net::TcpStream;

use self::unfit::Unfit;
pub(crate) use self::{
    polling::Wait,
    probe::Probe,
    unfit::{unknown, unread},
};
use crate::{
    codec::socketio::Opening, handshake::resume::parameter, polling::Polls, relay::Relayed,
};

/// What a request comes to that has no answer at once.
pub(crate) type Answer = Response<Full<Bytes>>;

/// Whoever has sessions: the node, or a server for suites of conformance.
pub(crate) trait Host: Send + Sync + 'static {
    /// A connection that was granted.
    type Granted: Send + 'static;

    fn polls(&self) -> &Polls;

    /// Lines for pages of other origins.
    fn cors<B>(&self, request: &Request<B>) -> HeaderMap;

    /// Of one message, and of what is posted at once.
    fn message_bytes_max(&self) -> usize;

    /// Lets somebody in, or says why not; with the upgrade's response where it is not polled.
    fn admit(
        self: &Arc<Self>,
        request: &mut Request<Incoming>,
        peer: IpAddr,
        engine: Opening,
    ) -> impl Future<Output = Result<(Answer, Self::Granted), Answer>> + Send;

    /// Serves who was let in, on the connection's end of a pair of sockets.
    fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        granted: Self::Granted,
    ) -> impl Future<Output = ()> + Send;

    /// A name for a session that begins; unguessable.
    fn new_sid(&self) -> String;

    /// Hands a request to whoever has the session of this name, which is not here; or says why not.
    fn hand_on(
        &self,
        request: &mut Request<Incoming>,
        peer: IpAddr,
        sid: &str,
    ) -> impl Future<Output = Result<Relayed, Answer>> + Send;

    /// Somebody polls, or posts.
    fn asked(&self);

    /// An attempt to change over to a WebSocket has ended.
    fn upgraded(&self, succeeded: bool);
}

/// What a request comes to.
pub(crate) enum Outcome<G> {
    Answer(Answer),
    /// A connection, after this response.
    Upgrade(Answer, G),
    /// A WebSocket that shows whether a session can go on by it, after this response.
    Probe(Answer, Probe),
    /// An answer that takes as long as it takes.
    Poll(Wait),
    /// It is another node's to answer.
    Relay(Relayed),
}

/// Says what a request comes to.
pub(crate) async fn respond<H: Host>(
    host: &Arc<H>,
    request: &mut Request<Incoming>,
    peer: IpAddr,
) -> Outcome<H::Granted> {
    let query = request.uri().query().unwrap_or_default();
    let is_polled = match parameter(query, "transport") {
        Some("websocket") => false,
        Some("polling") => true,
        _ => return Outcome::Answer(Unfit::UnknownTransport.to_response()),
    };
    if parameter(query, "EIO") != Some("4") {
        return Outcome::Answer(Unfit::UnsupportedVersion.to_response());
    }
    let sid = parameter(query, "sid").map(str::to_owned);
    if is_polled {
        return polling::respond(host, request, peer, sid).await;
    }
    if request.method() != Method::GET {
        return Outcome::Answer(Unfit::BadMethod.to_response());
    }
    match sid {
        Some(sid) => probe::respond(host, request, peer, sid).await,
        None if request.headers().contains_key(header::UPGRADE) => begin(host, request, peer).await,
        None => Outcome::Answer(Unfit::BadRequest.to_response()),
    }
}

async fn begin<H: Host>(
    host: &Arc<H>,
    request: &mut Request<Incoming>,
    peer: IpAddr,
) -> Outcome<H::Granted> {
    let opening = Opening {
        sid: host.new_sid(),
        is_polled: false,
    };
    match host.admit(request, peer, opening).await {
        Ok((response, granted)) => Outcome::Upgrade(response, granted),
        Err(response) => Outcome::Answer(response),
    }
}
