//! A connection's place among those whose requests are answered, from its first byte on.

use std::sync::Arc;

use shared::wire::Code;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

use super::events::lines;
use crate::{
    body::Place,
    metrics::{HandshakeResult, Refused},
    node::Node,
    refusal::Refusal,
    transport::{Transport, last_words},
};

/// Of a request that is not read: enough to see which it is.
const GLANCE_BYTES: usize = 64;

/// What is asked for, as far as can be seen of what has come.
enum Asked {
    /// Whether the node is well. That it has many handshakes does not mean that it is not.
    Health,
    Handshake(Transport),
    Other,
}

/// Waits for a place, and tells whoever gets none in time.
pub(super) async fn wait(
    node: &Node,
    stream: TcpStream,
    deadline: Instant,
) -> Option<(TcpStream, Place)> {
    let places = &node.places;
    let held = |permit| Place::new(permit, &places.bodies);
    if let Ok(permit) = Arc::clone(&places.handshakes).try_acquire_owned() {
        return Some((stream, held(permit)));
    }
    let kind = match glance(&stream).await {
        Asked::Health => &places.health_checks,
        Asked::Handshake(_) | Asked::Other => &places.handshakes,
    };
    if let Ok(permit) = timeout_at(deadline, Arc::clone(kind).acquire_owned()).await {
        return Some((stream, held(permit.ok()?)));
    }
    give_up(node, stream).await;
    None
}

/// Says no to somebody whose request could not even be read in time.
async fn give_up(node: &Node, stream: TcpStream) {
    match glance(&stream).await {
        Asked::Handshake(transport) => {
            node.metrics.handshake(transport, HandshakeResult::Timeout);
        }
        Asked::Health | Asked::Other => node.metrics.refused(Refused::Time),
    }
    let refusal = Refusal::too_late(Code::Overloaded);
    let (head, _) = refusal.to_response().into_parts();
    let (status, headers, body) = (head.status, lines(&head.headers), refusal.body());
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    last_words(stream, answer.as_bytes()).await;
}

async fn glance(stream: &TcpStream) -> Asked {
    let mut beginning = [0; GLANCE_BYTES];
    let count = stream.peek(&mut beginning).await.unwrap_or(0);
    let beginning = String::from_utf8_lossy(&beginning[..count]);
    let target = beginning.split(' ').nth(1).unwrap_or_default();
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    match (path, Transport::at(path)) {
        ("/healthz" | "/readyz", _) => Asked::Health,
        (_, Some(transport)) => Asked::Handshake(transport),
        (_, None) => Asked::Other,
    }
}
