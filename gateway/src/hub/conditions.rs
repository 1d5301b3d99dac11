//! What a shard goes by: the node's settings, in the units that it counts in.

use std::{sync::Arc, time::Duration};

use shared::clock::Clock;

use super::connection::Stay;
use crate::{
    ledger::Ledger,
    metrics::{GatewayMetrics, Tally},
    node::Node,
    presence::Presence,
    session::{Now, Room, Settings},
    transport::Transport,
    typing::Typists,
};

/// What a shard goes by.
pub(super) struct Conditions {
    pub(super) settings: Arc<Settings>,
    /// Bound of each connection's queue.
    pub(super) queue: Room,
    pub(super) frame_bytes_max: usize,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<GatewayMetrics>,
    pub(super) typists: Arc<Typists>,
    pub(super) ledger: Ledger,
    /// Hears whose picture of who is online may be wrong.
    pub(super) presence: Presence,
    /// Of what was written, by transport.
    pub(super) tallies: [Tally; Transport::ALL.len()],
    /// How long somebody who was sent away may stay.
    pub(super) overlap_ms: u64,
    /// How long a connection may stay, at the most.
    pub(super) age_ms: u64,
    /// How long a poll waits for something to tell.
    pub(super) poll_wait_ms: u64,
}

impl Conditions {
    pub(super) fn of(node: &Node) -> Self {
        let (timing, limits) = (&node.config.timing, &node.config.limits);
        let milliseconds = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self {
            settings: Arc::clone(&node.session_settings),
            queue: limits.queue,
            frame_bytes_max: limits.frame_bytes_max,
            clock: node.clock.clone(),
            metrics: Arc::clone(&node.metrics),
            typists: Arc::clone(&node.typists),
            ledger: node.ledger.clone(),
            presence: node.presence.clone(),
            tallies: Transport::ALL.map(|transport| node.metrics.line(transport).tally()),
            overlap_ms: milliseconds(timing.overlap()),
            age_ms: milliseconds(timing.connection_age),
            poll_wait_ms: milliseconds(timing.poll_wait),
        }
    }

    pub(super) fn tally(&self, transport: Transport) -> &Tally {
        &self.tallies[transport as usize]
    }

    /// Until when somebody stays who came just now. Those who came together do not go together.
    pub(super) fn stay(&self, transport: Transport, now: Now) -> Stay {
        let stay_ms = match transport {
            Transport::Poll => self.poll_wait_ms,
            Transport::WebSocket | Transport::EventStream | Transport::SocketIo => {
                rand::random_range(self.age_ms / 2..=self.age_ms)
            }
        };
        Stay::Until(now.elapsed_ms + stay_ms)
    }
}
