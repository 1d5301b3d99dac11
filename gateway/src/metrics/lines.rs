//! What is counted by transport, on the way of every frame: looked up once, at the start.

use std::sync::Arc;

use prometheus::{
    Histogram, HistogramVec, IntCounter, IntGauge,
    local::{LocalHistogram, LocalIntCounter},
};
use shared::{
    telemetry::metrics::{DELIVERY_SECONDS, HTTP_SECONDS, LIFETIME_SECONDS, Metrics},
    wire::Class,
};
use tokio::time::Instant;

use super::{
    GatewayMetrics, ResumeResult,
    labels::{CLASSES, class_label},
};
use crate::{
    session::Path,
    transport::{Delivery, Sent, Transport},
};

/// One transport's connections and what goes over them.
#[derive(Debug)]
pub(crate) struct Lines {
    connections: IntGauge,
    opened: IntCounter,
    lifetime: Histogram,
    handshake: Histogram,
    pub(crate) frames_in: IntCounter,
    frames_out: IntCounter,
    bytes_in: IntCounter,
    bytes_out: IntCounter,
    deliveries: IntCounter,
    round_trip: Histogram,
    /// By class and path.
    latency: [[Histogram; 2]; 3],
}

impl Lines {
    pub(super) fn all(metrics: &Metrics) -> [Self; Transport::ALL.len()] {
        let by = &["transport"];
        let connections = metrics.gauges("gateway_connections", "Open connections.", by);
        let name = "gateway_connections_opened_total";
        let opened = metrics.counters(name, "Connections that were let in.", by);
        let name = "gateway_connection_duration_seconds";
        let lifetime = metrics.histograms(name, "How long they lived.", by, LIFETIME_SECONDS);
        let name = "gateway_handshake_duration_seconds";
        let handshake = metrics.histograms(name, "From request to welcome.", by, HTTP_SECONDS);
        let ways = &["direction", "transport"];
        let help = "Frames of clients, and to them.";
        let frames = metrics.counters("gateway_frames_total", help, ways);
        let help = "Bytes read from sockets, and written to them.";
        let bytes = metrics.counters("gateway_bytes_total", help, ways);
        let deliveries = metrics.counters("deliveries_total", "Events written to sockets.", by);
        let name = "gateway_ping_rtt_seconds";
        let help = "From a ping to a client that says nothing until its pong.";
        let round_trips = metrics.histograms(name, help, by, DELIVERY_SECONDS);
        let name = "delivery_latency_seconds";
        let help = "From commit until the socket has taken the event's last byte.";
        let split = &["class", "path", "transport"];
        let latency = metrics.histograms(name, help, split, DELIVERY_SECONDS);
        Transport::ALL.map(|transport| {
            let label = transport.label();
            Self {
                connections: connections.with_label_values(&[label]),
                opened: opened.with_label_values(&[label]),
                lifetime: lifetime.with_label_values(&[label]),
                handshake: handshake.with_label_values(&[label]),
                frames_in: frames.with_label_values(&["in", label]),
                frames_out: frames.with_label_values(&["out", label]),
                bytes_in: bytes.with_label_values(&["in", label]),
                bytes_out: bytes.with_label_values(&["out", label]),
                deliveries: deliveries.with_label_values(&[label]),
                round_trip: round_trips.with_label_values(&[label]),
                latency: latencies(&latency, label),
            }
        })
    }

    /// A client has answered a ping.
    pub(crate) fn pong(&self, took_ms: u64) {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since a ping")]
        self.round_trip.observe(took_ms as f64 / 1000.0);
    }

    pub(super) fn connections(&self) -> i64 {
        self.connections.get()
    }

    /// A shard's own count of what it writes.
    pub(crate) fn tally(&self) -> Tally {
        Tally {
            frames: self.frames_out.local(),
            bytes_in: self.bytes_in.local(),
            bytes: self.bytes_out.local(),
            deliveries: self.deliveries.local(),
            latency: self
                .latency
                .each_ref()
                .map(|paths| paths.each_ref().map(Histogram::local)),
        }
    }
}

/// What a shard has read and written since it last said so: counting every write for all shards would make them wait for each other.
#[derive(Debug)]
pub(crate) struct Tally {
    frames: LocalIntCounter,
    bytes_in: LocalIntCounter,
    bytes: LocalIntCounter,
    deliveries: LocalIntCounter,
    latency: [[LocalHistogram; 2]; 3],
}

impl Tally {
    pub(crate) fn read(&self, bytes: usize) {
        self.bytes_in.inc_by(bytes as u64);
    }

    pub(crate) fn wrote(&self, sent: Sent) {
        self.frames.inc_by(sent.frames as u64);
        self.bytes.inc_by(sent.bytes as u64);
    }

    /// An event's last byte was written.
    pub(crate) fn delivered(&self, delivery: &Delivery, now_ms: i64) {
        if let Some(delivering) = &delivery.delivering {
            delivering.wrote(now_ms);
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a delivery")]
        let seconds = now_ms.saturating_sub(delivery.committed_at_ms).max(0) as f64 / 1000.0;
        let class = match delivery.class {
            Class::Durable => 0,
            Class::State => 1,
            Class::Chatter => 2,
        };
        let path = match delivery.path {
            Path::Live => 0,
            Path::Resume => 1,
        };
        self.latency[class][path].observe(seconds);
        self.deliveries.inc();
    }

    /// Says so.
    pub(crate) fn tell(&self) {
        let Self {
            frames,
            bytes_in,
            bytes,
            deliveries,
            ..
        } = self;
        for counter in [frames, bytes_in, bytes, deliveries] {
            counter.flush();
        }
        for latency in self.latency.iter().flatten() {
            latency.flush();
        }
    }
}

fn latencies(latency: &HistogramVec, transport: &str) -> [[Histogram; 2]; 3] {
    CLASSES.map(|class| {
        ["live", "resume"]
            .map(|path| latency.with_label_values(&[class_label(class), path, transport]))
    })
}

/// Holds a place in the gauge of connections.
#[derive(Debug)]
pub(crate) struct ConnectionGuard {
    metrics: Arc<GatewayMetrics>,
    transport: Transport,
    /// When it was asked for.
    since: Instant,
}

impl ConnectionGuard {
    pub(super) fn new(metrics: Arc<GatewayMetrics>, transport: Transport, since: Instant) -> Self {
        let line = metrics.line(transport);
        line.connections.inc();
        line.opened.inc();
        Self {
            metrics,
            transport,
            since,
        }
    }

    /// `welcome` is on its way, with this outcome for a client that said where it stood.
    pub(crate) fn welcomed(&self, resumed: Option<ResumeResult>) {
        let seconds = self.since.elapsed().as_secs_f64();
        let line = self.metrics.line(self.transport);
        line.handshake.observe(seconds);
        if let Some(result) = resumed {
            self.metrics.resumed(self.transport, result);
            self.metrics.resume_seconds.observe(seconds);
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let line = self.metrics.line(self.transport);
        line.connections.dec();
        line.lifetime.observe(self.since.elapsed().as_secs_f64());
    }
}
