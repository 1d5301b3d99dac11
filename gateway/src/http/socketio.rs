//! `/socket.io/`: the node's sessions of Engine.IO.

use std::{net::IpAddr, sync::Arc};

use hyper::{HeaderMap, Request, body::Incoming};
use tokio::net::TcpStream;

use super::{
    engine::{self, Answer, Host},
    events::cors,
};
use crate::{
    codec::socketio::Opening,
    handshake::{self, Granted, admission},
    node::Node,
    polling::Polls,
    relay::{NotRelayed, Relayed},
    transport::Transport,
};

impl Host for Node {
    type Granted = Box<Granted>;

    fn polls(&self) -> &Polls {
        &self.polls
    }

    fn cors<B>(&self, request: &Request<B>) -> HeaderMap {
        cors(request, &self.config.http.allowed_origins)
    }

    fn message_bytes_max(&self) -> usize {
        self.config.limits.frame_bytes_max
    }

    async fn admit(
        self: &Arc<Self>,
        request: &mut Request<Incoming>,
        peer: IpAddr,
        engine: Opening,
    ) -> Result<(Answer, Self::Granted), Answer> {
        let admitted = handshake::check_socket_io(self, request, peer, engine).await;
        match admitted {
            Ok((response, granted)) => Ok((response, Box::new(granted))),
            Err(refusal) => {
                let result = refusal.result();
                self.metrics.handshake(Transport::SocketIo, result);
                Err(refusal.to_response())
            }
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, granted: Self::Granted) {
        Box::pin(handshake::complete(
            &self,
            stream,
            Vec::new(),
            *granted,
            None,
        ))
        .await;
    }

    fn new_sid(&self) -> String {
        self.relay.new_sid()
    }

    async fn hand_on(
        &self,
        request: &mut Request<Incoming>,
        peer: IpAddr,
        sid: &str,
    ) -> Result<Relayed, Answer> {
        // Only the owner can tell whether there is such a session: until it has the request, it is a stranger's.
        let _stranger = admission::stranger(self, peer, request.headers())
            .map_err(|refusal| refusal.to_response())?;
        let bytes_max = self.message_bytes_max();
        let handed_on = self.relay.hand_on(request, sid, bytes_max).await;
        let knows_node = handed_on
            .as_ref()
            .map_or_else(NotRelayed::knows_node, |_| true);
        self.metrics.unknown_sid(knows_node);
        handed_on.map_err(|error| {
            tracing::debug!(%error, "a session that is not here");
            match error {
                NotRelayed::Body(why) => engine::unread(why),
                _ => engine::unknown(),
            }
        })
    }

    fn asked(&self) {
        self.metrics.engine_requests.inc();
    }

    fn upgraded(&self, succeeded: bool) {
        self.metrics.upgraded(succeeded);
    }
}
