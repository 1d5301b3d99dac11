//! Whether anybody is let in now, whoever it is.

use std::{net::IpAddr, sync::Arc, time::Duration};

use hyper::HeaderMap;
use shared::{lifecycle::Phase, wire::Code};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    door::{Stranger, TooMany},
    metrics::Refused,
    node::Node,
    refusal::Refusal,
};

/// A place for one connection, held until it ends.
pub(super) fn place(node: &Node) -> Result<OwnedSemaphorePermit, Refusal> {
    handshake(node)?;
    let place = Arc::clone(&node.places.connections).try_acquire_owned();
    place.map_err(|_| {
        node.metrics.refused(Refused::Full);
        let detail = "This node holds all the connections it can";
        Refusal::new(Code::Overloaded, detail)
    })
}

/// Counts one more handshake, of whoever has a place or wants one.
pub(super) fn handshake(node: &Node) -> Result<(), Refusal> {
    if node.closed_to_new() {
        let refusal = Refusal::new(Code::Draining, "This node is leaving");
        return Err(refusal.come_back_after(Duration::ZERO));
    }
    if node.lifecycle.phase() == Phase::Starting {
        return Err(Refusal::new(Code::Unavailable, "This node is starting"));
    }
    if let Err(wait) = node.door.handshake() {
        node.metrics.refused(Refused::Rate);
        let detail = "This node has more handshakes than it takes";
        return Err(Refusal::new(Code::Overloaded, detail).come_back_after(wait));
    }
    Ok(())
}

/// Counts who comes through a trusted proxy by where they come from.
pub(crate) fn stranger(
    node: &Node,
    peer: IpAddr,
    headers: &HeaderMap,
) -> Result<Option<Stranger>, Refusal> {
    node.door
        .behind(peer, headers)
        .map_err(|error| too_many(node, error))
}

/// Counts who comes without one.
pub(super) fn direct(node: &Node, peer: IpAddr) -> Result<Option<Stranger>, Refusal> {
    node.door.peer(peer).map_err(|error| too_many(node, error))
}

fn too_many(node: &Node, error: TooMany) -> Refusal {
    node.metrics.refused(Refused::Address);
    let refusal = Refusal::new(Code::Overloaded, error.to_string());
    refusal.come_back_after(Duration::ZERO)
}
