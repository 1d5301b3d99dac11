//! What `api` counts. The help texts are the documentation.

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use shared::telemetry::metrics::{DELIVERY_SECONDS, HTTP_SECONDS, Metrics};

/// The metrics of one process.
#[derive(Clone)]
pub struct ApiMetrics {
    pub(crate) registry: Metrics,
    pub(crate) http_requests: IntCounterVec,
    pub(crate) http_request_seconds: HistogramVec,
    pub(crate) http_in_flight: IntGauge,
    pub(crate) auth: IntCounterVec,
    pub(crate) hash_seconds: Histogram,
    pub(crate) pool_connections: IntGaugeVec,
    pub(crate) pool_wait_seconds: Histogram,
    pub(crate) outbox_depth: IntGauge,
    pub(crate) outbox_oldest_age_seconds: IntGauge,
    pub(crate) outbox_published: IntCounterVec,
    pub(crate) outbox_left_to_relay: IntCounter,
    pub(crate) publish_seconds: Histogram,
}

impl ApiMetrics {
    /// Registers everything.
    pub fn new() -> Self {
        let registry = Metrics::default();
        let metrics = Self {
            http_requests: registry.counters(
                "http_requests_total",
                "Requests answered.",
                &["route", "method", "code"],
            ),
            http_request_seconds: registry.histograms(
                "http_request_duration_seconds",
                "From the request's head to the answer's.",
                &["route", "method"],
                HTTP_SECONDS,
            ),
            http_in_flight: registry.gauge("http_requests_in_flight", "Requests under way."),
            auth: registry.counters(
                "auth_total",
                "Attempts to get credentials.",
                &["action", "result"],
            ),
            hash_seconds: registry.histogram(
                "password_hash_duration_seconds",
                "Password hashes, with the wait for their turn.",
                HTTP_SECONDS,
            ),
            pool_connections: registry.gauges(
                "db_pool_connections",
                "Connections to PostgreSQL.",
                &["state"],
            ),
            pool_wait_seconds: registry.histogram(
                "db_pool_wait_seconds",
                "Waits for a connection to PostgreSQL.",
                HTTP_SECONDS,
            ),
            outbox_depth: registry.gauge(
                "outbox_depth",
                "Committed events that the relay found unpublished in its last pass.",
            ),
            outbox_oldest_age_seconds: registry
                .gauge("outbox_oldest_age_seconds", "Age of the oldest of them."),
            outbox_published: registry.counters(
                "outbox_published_total",
                "Attempts to publish durable events.",
                &["by", "result"],
            ),
            outbox_left_to_relay: registry.counter(
                "outbox_left_to_relay_total",
                "Events that were not published inline, because the queue was full.",
            ),
            publish_seconds: registry.histogram(
                "event_publish_duration_seconds",
                "From commit until Redis has the event.",
                DELIVERY_SECONDS,
            ),
            registry,
        };
        // So that the first event of a kind shows in a rate.
        for by in ["inline", "relay"] {
            for result in ["published", "repeat", "waiting", "refused", "failed"] {
                metrics.outbox_published.with_label_values(&[by, result]);
            }
        }
        metrics
    }
}

impl Default for ApiMetrics {
    fn default() -> Self {
        Self::new()
    }
}
