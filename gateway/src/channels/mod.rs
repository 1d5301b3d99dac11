//! From the bus to the shards. The subscriber puts events in order and closes gaps; here they are encoded and handed out.

use std::sync::Arc;

use shared::{
    bus::{Joined, ListenerId, Listeners, Sink},
    wire::{Channel, Event, Position},
};

use crate::{codec::Encoded, hub::Hub, metrics::GatewayMetrics};

/// The subscriber's way to the shards. Never waits: see [`Hub::offer`].
pub(crate) struct ShardSink {
    hub: Hub,
    metrics: Arc<GatewayMetrics>,
}

impl ShardSink {
    pub(crate) fn new(hub: Hub, metrics: Arc<GatewayMetrics>) -> Self {
        Self { hub, metrics }
    }
}

impl Sink for ShardSink {
    fn joined(&mut self, listener: ListenerId, joined: Joined) {
        self.hub.joined(listener, joined);
    }

    fn event(&mut self, listeners: Listeners, event: Arc<Event>) {
        let class = event.class;
        let position = event.position;
        let channel = event.channel;
        match Encoded::new(event) {
            Ok(encoded) => {
                let missed = self.hub.offer(listeners, &Arc::new(encoded));
                self.metrics.dropped_on_the_way(class, missed);
            }
            Err(error) => {
                tracing::error!(%error, %channel, "an event cannot be passed on");
                self.metrics.dropped_on_the_way(class, 1);
                if let Some(position) = position {
                    self.hub.lost(listeners, channel, position);
                }
            }
        }
    }

    fn lost(&mut self, listeners: Listeners, channel: Channel, position: Position) {
        self.hub.lost(listeners, channel, position);
    }
}
