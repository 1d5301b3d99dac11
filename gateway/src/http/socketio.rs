//! `/socket.io/`: a request is an Engine.IO handshake, or is refused in the words that its clients know.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, header};
use serde_json::json;

use crate::{
    handshake::{self, Granted, resume::parameter},
    node::Node,
    transport::Transport,
};

/// Why a request is no handshake; numbers and texts are the protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unfit {
    UnknownTransport,
    UnknownSession,
    BadMethod,
    BadRequest,
    UnsupportedVersion,
}

impl Unfit {
    fn to_response(self) -> Response<Full<Bytes>> {
        let (code, message) = match self {
            Self::UnknownTransport => (0, "Transport unknown"),
            Self::UnknownSession => (1, "Session ID unknown"),
            Self::BadMethod => (2, "Bad handshake method"),
            Self::BadRequest => (3, "Bad request"),
            Self::UnsupportedVersion => (5, "Unsupported protocol version"),
        };
        let body = json!({ "code": code, "message": message }).to_string();
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        let json = header::HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

/// Grants the upgrade, or answers.
pub(super) async fn respond<B>(
    node: &Arc<Node>,
    request: &mut Request<B>,
    peer: IpAddr,
) -> Result<(Response<Full<Bytes>>, Granted), Response<Full<Bytes>>> {
    check(request).map_err(Unfit::to_response)?;
    match handshake::check_socket_io(node, request, peer).await {
        Ok(granted) => Ok(granted),
        Err(refusal) => {
            let result = refusal.result();
            node.metrics.handshake(Transport::SocketIo, result);
            Err(refusal.to_response())
        }
    }
}

fn check<B>(request: &Request<B>) -> Result<(), Unfit> {
    let query = request.uri().query().unwrap_or_default();
    match parameter(query, "transport") {
        Some("websocket") => {}
        _ => return Err(Unfit::UnknownTransport),
    }
    if parameter(query, "EIO") != Some("4") {
        return Err(Unfit::UnsupportedVersion);
    }
    if parameter(query, "sid").is_some() {
        return Err(Unfit::UnknownSession);
    }
    if request.method() != Method::GET {
        return Err(Unfit::BadMethod);
    }
    if !request.headers().contains_key(header::UPGRADE) {
        return Err(Unfit::BadRequest);
    }
    Ok(())
}
