//! From the bus to the shards. The subscriber puts events in order and closes gaps; here they are encoded and handed out.

use std::{collections::VecDeque, sync::Arc};

use shared::{
    bus::{Joined, ListenerId, Listeners, Sink},
    ids::EventId,
    wire::{Channel, Event, Position},
};

use tokio::time::Instant;

use crate::{
    codec::Encoded,
    delivering::Delivering,
    hub::Hub,
    metrics::{Dropped, GatewayMetrics},
    presence::{self, Presence},
    reach::ReachBook,
    ring::Ring,
    switches::Switches,
    typing::Typists,
};

/// The subscriber's way to the shards. Never waits: see [`Hub::offer`].
pub(crate) struct ShardSink {
    hub: Hub,
    heard: Heard,
    permits: Permits,
    ring: Arc<Ring>,
    /// What was said to everybody last.
    broadcasts: VecDeque<EventId>,
    metrics: Arc<GatewayMetrics>,
}

/// A repetition comes within moments.
const BROADCASTS_KEPT: usize = 128;

/// Who looks at what is heard before the connections do.
pub(crate) struct Heard {
    pub(crate) presence: Presence,
    pub(crate) switches: Arc<Switches>,
}

/// What this node remembers of who may do what, which control events put an end to.
pub(crate) struct Permits {
    pub(crate) reach: Arc<ReachBook>,
    pub(crate) typists: Arc<Typists>,
}

impl ShardSink {
    pub(crate) fn new(
        hub: Hub,
        heard: Heard,
        permits: Permits,
        ring: Arc<Ring>,
        metrics: Arc<GatewayMetrics>,
    ) -> Self {
        Self {
            hub,
            heard,
            permits,
            ring,
            broadcasts: VecDeque::with_capacity(BROADCASTS_KEPT),
            metrics,
        }
    }

    /// Whether this has not been heard yet. A publication whose answer was lost is published again, and everybody hears
    /// a broadcast once.
    fn is_first(&mut self, id: EventId) -> bool {
        if self.broadcasts.contains(&id) {
            return false;
        }
        if self.broadcasts.len() == BROADCASTS_KEPT {
            self.broadcasts.pop_front();
        }
        self.broadcasts.push_back(id);
        true
    }
}

/// What goes to the shards. The ring keeps another that nobody follows, or a delivery would last as long as that remembers.
fn followed(encoded: Arc<Encoded>) -> Arc<Encoded> {
    match Delivering::of(&encoded.event) {
        Some(delivering) => Arc::new(encoded.followed_by(delivering)),
        None => encoded,
    }
}

impl Sink for ShardSink {
    fn joined(&mut self, listener: ListenerId, joined: Joined) {
        if listener == presence::LISTENER {
            self.heard.presence.joined(&joined);
        } else {
            self.permits.reach.on_joined(joined.channel);
            self.hub.joined(listener, joined);
        }
    }

    fn event(&mut self, listeners: Listeners, event: Arc<Event>) {
        if event.channel == Channel::Broadcast && !self.is_first(event.id) {
            return;
        }
        if self.heard.presence.hear(&event) || !self.heard.switches.lets_through(&event) {
            return;
        }
        let since = Instant::now();
        let class = event.class;
        let position = event.position;
        let channel = event.channel;
        match Encoded::new(event) {
            Ok(encoded) => {
                self.permits.reach.on_event(&encoded);
                self.permits.typists.on_event(&encoded);
                let encoded = Arc::new(encoded);
                self.ring.keep(&encoded);
                let missed = self.hub.offer(listeners, &followed(encoded));
                self.metrics.dropped(class, Dropped::InboxFull, missed);
                let seconds = since.elapsed().as_secs_f64();
                self.metrics.broadcast_seconds.observe(seconds);
            }
            Err(error) => {
                tracing::error!(%error, %channel, "an event cannot be passed on");
                self.metrics.dropped(class, Dropped::Encode, 1);
                if let Some(position) = position {
                    self.hub.lost(listeners, channel, position);
                }
            }
        }
    }

    fn unheard(&mut self, event: Arc<Event>) {
        // What cannot be encoded leaves a hole, which the ring sees.
        if let Ok(encoded) = Encoded::new(event) {
            self.ring.keep(&Arc::new(encoded));
        }
    }

    fn lost(&mut self, listeners: Listeners, channel: Channel, position: Position) {
        self.heard.presence.lost(channel);
        self.permits.reach.on_gap(channel);
        self.hub.lost(listeners, channel, position);
    }

    fn interrupted(&mut self, listeners: Listeners, channel: Channel) {
        self.heard.presence.lost(channel);
        self.permits.reach.on_gap(channel);
        self.hub.interrupted(listeners, channel);
    }
}
