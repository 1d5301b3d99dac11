//! From HTTP to WebSocket (RFC 6455 §4.2).

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, header};

use super::extension;
use crate::codec::{
    Window,
    native::{SUBPROTOCOL, SUBPROTOCOL_IN_LINES},
};

/// What the client's offer of subprotocols comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// It offered none, or none that we know: no subprotocol is named, and ours is spoken.
    Unnamed,
    /// It offered ours: a message is one object.
    Native,
    /// It offered ours with several objects a message, each on a line.
    NativeInLines,
    /// It offered versions of ours, but none that we speak.
    Unsupported,
}

impl Protocol {
    fn of_name(name: &str) -> Option<Self> {
        match name {
            SUBPROTOCOL => Some(Self::Native),
            SUBPROTOCOL_IN_LINES => Some(Self::NativeInLines),
            _ => None,
        }
    }

    /// As it is told the client.
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Native => Some(SUBPROTOCOL),
            Self::NativeInLines => Some(SUBPROTOCOL_IN_LINES),
            Self::Unnamed | Self::Unsupported => None,
        }
    }
}

/// A request that does not ask for a WebSocket, or not in a way that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this address speaks WebSocket, version 13")]
pub(crate) struct NotAnUpgrade;

/// Chooses the subprotocol: the first that we speak, for clients name first what they like best.
pub(crate) fn protocol<B>(request: &Request<B>) -> Protocol {
    let values = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut versions_of_ours = false;
    for offer in values.iter().filter_map(|value| value.to_str().ok()) {
        for name in offer.split(',').map(str::trim) {
            if let Some(spoken) = Protocol::of_name(name) {
                return spoken;
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
    if let Some(name) = protocol.name() {
        let value = header::HeaderValue::from_static(name);
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
