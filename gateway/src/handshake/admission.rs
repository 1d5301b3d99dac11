//! Whether there is a place at all.

use std::sync::Arc;

use shared::{lifecycle::Phase, wire::Code};
use tokio::sync::OwnedSemaphorePermit;

use super::Refusal;
use crate::node::Node;

/// A place for one connection, held until it ends.
pub(super) fn place(node: &Node) -> Result<OwnedSemaphorePermit, Refusal> {
    if node.closed_to_new() {
        return Err(Refusal::new(Code::Draining, "This node is leaving"));
    }
    if node.lifecycle.phase() == Phase::Starting {
        return Err(Refusal::new(Code::Unavailable, "This node is starting"));
    }
    let place = Arc::clone(&node.places).try_acquire_owned();
    place.map_err(|_| {
        Refusal::new(
            Code::Overloaded,
            "This node holds all the connections it can",
        )
    })
}
