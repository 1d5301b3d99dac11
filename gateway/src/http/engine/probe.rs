//! A WebSocket for a session that is polled.

use std::{net::IpAddr, sync::Arc};

use hyper::{Request, body::Incoming, header};
use tokio::net::TcpStream;

use super::{Host, Outcome, unfit::Unfit};
use crate::{
    codec::Frame,
    polling::PollSession,
    transport::ws::{self, Limits, Protocol},
};
use shared::wire::CloseReason;

/// A WebSocket that shows whether a session can go on by it.
pub(crate) struct Probe {
    sid: String,
    session: Arc<PollSession>,
}

pub(super) async fn respond<H: Host>(
    host: &Arc<H>,
    request: &mut Request<Incoming>,
    peer: IpAddr,
    sid: String,
) -> Outcome<H::Granted> {
    let Some(session) = host.polls().find(&sid) else {
        return match host.hand_on(request, peer, &sid).await {
            Ok(relayed) => Outcome::Relay(relayed),
            Err(response) => Outcome::Answer(response),
        };
    };
    // The connection behind it has agreed to nothing of the kind.
    request
        .headers_mut()
        .remove(header::SEC_WEBSOCKET_EXTENSIONS);
    match ws::accept(request, Protocol::Unnamed) {
        Ok((response, _)) => Outcome::Probe(response, Probe { sid, session }),
        Err(_) => Outcome::Answer(Unfit::BadRequest.to_response()),
    }
}

impl Probe {
    /// Lasts as long as the session, if it goes on by this WebSocket.
    pub(crate) async fn run<H: Host>(self, host: &H, mut stream: TcpStream, unread: Vec<u8>) {
        let limits = Limits {
            message_bytes_max: host.message_bytes_max(),
            compressed: false,
        };
        let Self { sid, session } = self;
        let changed = session.change_over(&mut stream, unread, limits).await;
        host.upgraded(changed.is_ok());
        match changed {
            Ok(rest) => {
                session.carry(stream, rest).await;
                host.polls().forget(&sid);
            }
            Err(error) => {
                tracing::debug!(%error, "a session is not upgraded");
                let close = Frame::close(CloseReason::ProtocolError, None);
                ws::refuse(stream, &[close]).await;
            }
        }
    }
}
