//! The gateway's metrics. Labels are closed sets, and every series of a counter exists from the start.

use std::sync::Arc;

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge};
use shared::{
    telemetry::metrics::{DELIVERY_SECONDS, HTTP_SECONDS, Metrics},
    wire::{Class, CloseReason},
};

use crate::{session::Path, transport::Delivery};

/// How a handshake ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HandshakeResult {
    Ok,
    Unauthenticated,
    Forbidden,
    Origin,
    Malformed,
    Overload,
    Draining,
    Timeout,
    Error,
}

impl HandshakeResult {
    const ALL: [Self; 9] = [
        Self::Ok,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Origin,
        Self::Malformed,
        Self::Overload,
        Self::Draining,
        Self::Timeout,
        Self::Error,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Origin => "origin",
            Self::Malformed => "malformed",
            Self::Overload => "overload",
            Self::Draining => "draining",
            Self::Timeout => "timeout",
            Self::Error => "error",
        }
    }
}

/// Which limit somebody met at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Handshakes of this node.
    Rate,
    /// Connections of this node.
    Full,
    /// Unauthenticated connections of this node.
    Strangers,
    /// Unauthenticated connections of one address.
    Address,
}

impl Refused {
    const ALL: [Self; 4] = [Self::Rate, Self::Full, Self::Strangers, Self::Address];

    const fn label(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Full => "full",
            Self::Strangers => "strangers",
            Self::Address => "address",
        }
    }
}

/// For connections that end without a close frame.
const NETWORK: &str = "network";
const WEBSOCKET: &str = "websocket";

/// Everything that a gateway counts.
#[derive(Debug)]
pub(crate) struct GatewayMetrics {
    connections: IntGauge,
    handshakes: IntCounterVec,
    refused: IntCounterVec,
    closed: IntCounterVec,
    pub(crate) frames_in: IntCounter,
    dropped: IntCounterVec,
    deliveries: IntCounter,
    latency: [[Histogram; 2]; 3],
    pub(crate) forward_seconds: Histogram,
}

impl GatewayMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let transport = &["transport"];
        let connections = "Open connections.";
        let connections = metrics.gauges("gateway_connections", connections, transport);
        let latency = metrics.histograms(
            "delivery_latency_seconds",
            "From commit until the socket has taken the event's last byte.",
            &["class", "path", "transport"],
            DELIVERY_SECONDS,
        );
        let latency = CLASSES.map(|class| {
            ["live", "resume"]
                .map(|path| latency.with_label_values(&[label(class), path, WEBSOCKET]))
        });
        Self {
            connections: connections.with_label_values(&[WEBSOCKET]),
            handshakes: handshakes(metrics),
            refused: refused(metrics),
            closed: closed(metrics),
            frames_in: metrics
                .counters(
                    "gateway_frames_total",
                    "Frames of clients.",
                    &["direction", "transport"],
                )
                .with_label_values(&["in", WEBSOCKET]),
            dropped: dropped(metrics),
            deliveries: metrics
                .counters("deliveries_total", "Events written to sockets.", transport)
                .with_label_values(&[WEBSOCKET]),
            latency,
            forward_seconds: metrics.histogram(
                "gateway_api_forward_duration_seconds",
                "A command's way to api and back.",
                HTTP_SECONDS,
            ),
        }
    }

    pub(crate) fn handshake(&self, result: HandshakeResult) {
        let labels = &[WEBSOCKET, result.label()];
        self.handshakes.with_label_values(labels).inc();
    }

    /// Counts somebody who was turned away at the door, for this reason.
    pub(crate) fn refused(&self, reason: Refused) {
        self.refused.with_label_values(&[reason.label()]).inc();
    }

    /// Counts a connection for as long as the guard lives.
    pub(crate) fn opened(self: &Arc<Self>) -> ConnectionGuard {
        self.connections.inc();
        ConnectionGuard(Arc::clone(self))
    }

    /// Connections that are open now.
    pub(crate) fn connections(&self) -> i64 {
        self.connections.get()
    }

    /// A connection ended; without a reason nobody said goodbye.
    pub(crate) fn closed(&self, reason: Option<CloseReason>) {
        let reason = reason.map_or(NETWORK, CloseReason::name);
        self.closed.with_label_values(&[WEBSOCKET, reason]).inc();
    }

    /// A slow connection will not get an event of this class.
    pub(crate) fn dropped(&self, class: Class) {
        let labels = &[label(class), "queue_full"];
        self.dropped.with_label_values(labels).inc();
    }

    /// So many shards will not get an event of this class. Those who hear a durable one are closed, to resume.
    pub(crate) fn dropped_on_the_way(&self, class: Class, count: u64) {
        if count > 0 {
            let labels = &[label(class), "inbox_full"];
            self.dropped.with_label_values(labels).inc_by(count);
        }
    }

    /// An event's last byte was written.
    pub(crate) fn delivered(&self, delivery: Delivery, now_ms: i64) {
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
}

/// Holds a place in the gauge of connections.
#[derive(Debug)]
pub(crate) struct ConnectionGuard(Arc<GatewayMetrics>);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}

const CLASSES: [Class; 3] = [Class::Durable, Class::State, Class::Chatter];

const fn label(class: Class) -> &'static str {
    match class {
        Class::Durable => "durable",
        Class::State => "state",
        Class::Chatter => "chatter",
    }
}

fn handshakes(metrics: &Metrics) -> IntCounterVec {
    let name = "gateway_handshakes_total";
    let counters = metrics.counters(name, "Handshakes by their end.", &["transport", "result"]);
    for result in HandshakeResult::ALL {
        counters.with_label_values(&[WEBSOCKET, result.label()]);
    }
    counters
}

fn refused(metrics: &Metrics) -> IntCounterVec {
    let name = "gateway_door_refusals_total";
    let help = "Connections turned away before anybody asked who they are, by the limit they met.";
    let counters = metrics.counters(name, help, &["reason"]);
    for reason in Refused::ALL {
        counters.with_label_values(&[reason.label()]);
    }
    counters
}

fn closed(metrics: &Metrics) -> IntCounterVec {
    let name = "gateway_connections_closed_total";
    let counters = metrics.counters(name, "Connections by their end.", &["transport", "reason"]);
    for reason in CloseReason::ALL {
        counters.with_label_values(&[WEBSOCKET, reason.name()]);
    }
    counters.with_label_values(&[WEBSOCKET, NETWORK]);
    counters
}

fn dropped(metrics: &Metrics) -> IntCounterVec {
    let name = "gateway_events_dropped_total";
    let help = "Events that somebody did not get. A durable one is never among them silently.";
    let counters = metrics.counters(name, help, &["class", "reason"]);
    for class in CLASSES {
        for reason in ["queue_full", "inbox_full"] {
            counters.with_label_values(&[label(class), reason]);
        }
    }
    counters
}
