//! What a node's subscriber counts.

use prometheus::{IntCounter, IntGauge};

use crate::telemetry::metrics::Metrics;

/// Counters of one subscriber.
#[derive(Debug, Clone)]
pub(super) struct BusMetrics {
    pub(super) messages: IntCounter,
    pub(super) malformed: IntCounter,
    pub(super) gaps_detected: IntCounter,
    pub(super) gaps_healed: IntCounter,
    pub(super) gaps_lost: IntCounter,
    pub(super) reconnects: IntCounter,
    pub(super) connected: IntGauge,
    pub(super) channels: IntGauge,
}

impl BusMetrics {
    pub(super) fn register(metrics: &Metrics) -> Self {
        Self {
            messages: metrics.counter("bus_messages_total", "Messages that Redis delivered."),
            malformed: metrics.counter(
                "bus_messages_malformed_total",
                "Messages that were not events of ours.",
            ),
            gaps_detected: metrics.counter(
                "bus_gaps_detected_total",
                "Holes found in a channel's stream.",
            ),
            gaps_healed: metrics.counter(
                "bus_gaps_healed_total",
                "Holes filled from the tail or the log.",
            ),
            gaps_lost: metrics.counter(
                "bus_gaps_lost_total",
                "Holes that nothing could fill; listeners were told.",
            ),
            reconnects: metrics.counter(
                "bus_reconnects_total",
                "Subscription connections that ended.",
            ),
            connected: metrics.gauge(
                "bus_connected",
                "Whether the subscription connection is up.",
            ),
            channels: metrics.gauge("bus_channels", "Channels that this node follows."),
        }
    }
}
