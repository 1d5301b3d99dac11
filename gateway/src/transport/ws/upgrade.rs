//! From HTTP to WebSocket (RFC 6455 §4.2).

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, header};

use super::extension;
use crate::codec::{Window, native::SUBPROTOCOL};

/// What the client's offer of subprotocols comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// It offered none, or none that we know: no subprotocol is named, and ours is spoken.
    Unnamed,
    /// It offered ours.
    Native,
    /// It offered versions of ours, but none that we speak.
    Unsupported,
}

/// A request that does not ask for a WebSocket, or not in a way that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this address speaks WebSocket, version 13")]
pub(crate) struct NotAnUpgrade;

/// Chooses the subprotocol.
pub(crate) fn protocol<B>(request: &Request<B>) -> Protocol {
    let values = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut versions_of_ours = false;
    for offer in values.iter().filter_map(|value| value.to_str().ok()) {
        for name in offer.split(',').map(str::trim) {
            if name == SUBPROTOCOL {
                return Protocol::Native;
            }
            versions_of_ours |= name.starts_with("hubbub.");
        }
    }
    if versions_of_ours {
        Protocol::Unsupported
    } else {
        Protocol::Unnamed
    }
}

/// The answer that turns the connection into a WebSocket, and the client's window if it takes compressed messages.
pub(crate) fn accept<B>(
    request: &mut Request<B>,
    protocol: Protocol,
) -> Result<(Response<Full<Bytes>>, Option<Window>), NotAnUpgrade> {
    if !fastwebsockets::upgrade::is_upgrade_request(request) {
        return Err(NotAnUpgrade);
    }
    let agreed = extension::agree(request.headers());
    // Only its headers are wanted: the stream is taken from hyper directly.
    let (response, _) = fastwebsockets::upgrade::upgrade(request).map_err(|_| NotAnUpgrade)?;
    let (mut head, _) = response.into_parts();
    if protocol == Protocol::Native {
        let value = header::HeaderValue::from_static(SUBPROTOCOL);
        head.headers.insert(header::SEC_WEBSOCKET_PROTOCOL, value);
    }
    let window = agreed.map(|(window, answer)| {
        head.headers
            .insert(header::SEC_WEBSOCKET_EXTENSIONS, answer);
        window
    });
    debug_assert_eq!(head.status, StatusCode::SWITCHING_PROTOCOLS);
    Ok((Response::from_parts(head, Full::default()), window))
}
