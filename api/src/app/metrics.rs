//! What `api` counts. The help texts are the documentation.

use std::sync::Arc;

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge};
use shared::{
    telemetry::metrics::{COUNTS, DELIVERY_SECONDS, HTTP_SECONDS, Metrics},
    wire::Class,
};

use super::{db::DatabaseMetrics, event_type::EventType};

/// The metrics of one process.
#[derive(Clone)]
pub struct ApiMetrics {
    pub(crate) registry: Metrics,
    pub(crate) http_requests: IntCounterVec,
    pub(crate) http_request_seconds: HistogramVec,
    pub(crate) http_request_statements: IntCounterVec,
    pub(crate) http_in_flight: IntGauge,
    pub(crate) http_rejected: IntCounterVec,
    pub(crate) auth: IntCounterVec,
    pub(crate) hash_seconds: Histogram,
    pub(in crate::app) database: Arc<DatabaseMetrics>,
    pub(crate) outbox_depth: IntGauge,
    pub(crate) outbox_oldest_age_seconds: IntGauge,
    pub(crate) outbox_published: IntCounterVec,
    pub(crate) outbox_left_to_relay: IntCounter,
    pub(crate) publish_seconds: HistogramVec,
    pub(crate) events: IntCounterVec,
    pub(crate) event_channels: HistogramVec,
    pub(crate) events_expired: IntCounter,
    pub(crate) notifications: IntCounterVec,
    pub(crate) replays: IntCounterVec,
    pub(crate) flag_evaluations: IntCounterVec,
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
            http_request_statements: registry.counters(
                "http_request_statements_total",
                "Statements that requests ran, with the beginnings and ends of their transactions.",
                &["route", "method"],
            ),
            http_in_flight: registry.gauge("http_requests_in_flight", "Requests under way."),
            http_rejected: registry.counters(
                "http_rejected_total",
                "Requests that were not served for what they are, but for how many, how large or how slow.",
                &["reason"],
            ),
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
            database: Arc::new(DatabaseMetrics::register(&registry)),
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
            publish_seconds: registry.histograms(
                "event_publish_duration_seconds",
                "From commit until Redis has the event.",
                &["class"],
                DELIVERY_SECONDS,
            ),
            events: registry.counters(
                "events_published_total",
                "Events that were committed, or sent without being stored.",
                &["kind", "class"],
            ),
            event_channels: registry.histograms(
                "event_recipients",
                "Channels that an event was for: people, or a whole group as one.",
                &["class"],
                COUNTS,
            ),
            events_expired: registry.counter(
                "events_expired_total",
                "Events that left the log with a day that was dropped, each in each of its channels: as many as the database estimates that the day had.",
            ),
            notifications: registry.counters(
                "notifications_total",
                "Things worth a notification, and what became of them.",
                &["result"],
            ),
            replays: registry.counters(
                "idempotent_replays_total",
                "Repeated requests that got the answer of the first.",
                &["by"],
            ),
            flag_evaluations: registry.counters(
                "flag_evaluations_total",
                "Acts that stand behind a feature flag, and whether the person had it.",
                &["flag", "result"],
            ),
            registry,
        };
        metrics.begin_at_zero();
        metrics
    }

    /// So that the first event of a kind shows in a rate.
    fn begin_at_zero(&self) {
        for by in ["inline", "relay"] {
            for result in ["published", "repeat", "waiting", "refused", "failed"] {
                self.outbox_published.with_label_values(&[by, result]);
            }
        }
        let sets: [(&IntCounterVec, &[&str]); 3] = [
            (&self.http_rejected, &REJECTIONS),
            (&self.notifications, &NOTIFIED),
            (&self.replays, &["key", "client_message_id"]),
        ];
        for (counters, labels) in sets {
            for label in labels {
                counters.with_label_values(&[label]);
            }
        }
        for [action, result] in ATTEMPTS {
            self.auth.with_label_values(&[action, result]);
        }
        for class in CLASSES {
            self.publish_seconds
                .with_label_values(&[class_label(class)]);
            self.event_channels.with_label_values(&[class_label(class)]);
        }
    }

    /// The types of events that are told: from now on each durable one shows.
    pub(in crate::app) fn know_event_types(&self, types: &[EventType]) {
        for kind in types.iter().filter(|kind| kind.is_durable) {
            let labels = [kind.name, class_label(Class::Durable)];
            self.events.with_label_values(&labels);
        }
    }

    /// An event was committed, or an ephemeral one made.
    pub(in crate::app) fn event(&self, kind: &str, class: Class, channels: usize) {
        let class = class_label(class);
        self.events.with_label_values(&[kind, class]).inc();
        #[expect(clippy::cast_precision_loss, reason = "a number of channels")]
        let channels = channels as f64;
        self.event_channels
            .with_label_values(&[class])
            .observe(channels);
    }

    /// A request was answered with this status.
    pub(in crate::app) fn rejected(&self, status: u16) {
        let reason = match status {
            408 | 504 => "timeout",
            413 => "too_large",
            429 => "rate_limited",
            503 => "unavailable",
            _ => return,
        };
        self.http_rejected.with_label_values(&[reason]).inc();
    }
}

const CLASSES: [Class; 3] = [Class::Durable, Class::State, Class::Chatter];
/// What is tried to get credentials, and how it ends.
const ATTEMPTS: [[&str; 2]; 5] = [
    ["register", "ok"],
    ["login", "ok"],
    ["login", "refused"],
    ["refresh", "ok"],
    ["refresh", "refused"],
];
const REJECTIONS: [&str; 4] = ["timeout", "too_large", "rate_limited", "unavailable"];
/// What becomes of something worth a notification.
pub(crate) const NOTIFIED: [&str; 5] = ["sent", "folded", "filtered", "repeated", "dropped"];

pub(in crate::app) const fn class_label(class: Class) -> &'static str {
    match class {
        Class::Durable => "durable",
        Class::State => "state",
        Class::Chatter => "chatter",
    }
}

impl Default for ApiMetrics {
    fn default() -> Self {
        Self::new()
    }
}
