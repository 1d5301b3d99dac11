//! The gateway's metrics. Labels are closed sets, and every series of a counter exists from the start.

mod commands;
mod labels;
mod lines;

use std::sync::Arc;

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use shared::{
    telemetry::metrics::{COUNTS, DELIVERY_SECONDS, HTTP_SECONDS, IN_PROCESS_SECONDS, Metrics},
    wire::Class,
};
use tokio::time::Instant;

pub(crate) use labels::{
    Departure, Drained, Dropped, End, HandshakeResult, Refused, ReplaySource, ResumeResult,
};
pub(crate) use lines::{ConnectionGuard, Lines, Tally};

use self::commands::CommandMetrics;
use self::labels::{CLASSES, class_label};
use crate::transport::Transport;

/// Kinds of channels that connections hear.
pub(crate) const HEARD: [&str; 4] = ["user", "group", "post", "broadcast"];

/// Everything that a gateway counts.
#[derive(Debug)]
pub(crate) struct GatewayMetrics {
    handshakes: IntCounterVec,
    refused: IntCounterVec,
    closed: IntCounterVec,
    resumes: IntCounterVec,
    upgrades: IntCounterVec,
    unknown_sids: IntCounterVec,
    pub(crate) engine_requests: IntCounter,
    dropped: IntCounterVec,
    authorised: IntCounterVec,
    subscriptions: [IntGauge; HEARD.len()],
    inboxes: IntGaugeVec,
    drained: IntCounterVec,
    /// By transport.
    lines: [Lines; Transport::ALL.len()],
    pub(crate) connections_limit: IntGauge,
    pub(crate) drain_remaining: IntGauge,
    pub(crate) users: IntGauge,
    pub(crate) leaving: IntGauge,
    pub(crate) resume_seconds: Histogram,
    replayed: [Histogram; ReplaySource::ALL.len()],
    pub(crate) queue_bytes: IntGauge,
    pub(crate) queue_frames: Histogram,
    pub(crate) forward_seconds: Histogram,
    pub(crate) broadcast_seconds: Histogram,
    pub(crate) matched: IntCounter,
    pub(crate) acknowledged: IntCounter,
    pub(crate) ledger_lines_lost: IntCounter,
    pub(crate) commands: CommandMetrics,
}

impl GatewayMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            handshakes: handshakes(metrics),
            refused: refused(metrics),
            closed: closed(metrics),
            resumes: resumes(metrics),
            upgrades: upgrades(metrics),
            unknown_sids: unknown_sids(metrics),
            engine_requests: metrics
                .counter("engineio_requests_total", "Engine.IO polls and posts."),
            dropped: dropped(metrics),
            authorised: authorised(metrics),
            subscriptions: subscriptions(metrics),
            inboxes: metrics.gauges(
                "bus_worker_queue",
                "What waits for a shard; looked at now and then.",
                &["worker"],
            ),
            drained: drained(metrics),
            lines: Lines::all(metrics),
            connections_limit: metrics.gauge(
                "gateway_connections_limit",
                "Connections that this node can hold.",
            ),
            drain_remaining: metrics.gauge(
                "gateway_drain_remaining",
                "Connections of a draining node that have not left.",
            ),
            leaving: metrics.gauge(
                "gateway_connections_leaving",
                "Open connections whose clients were told to come back elsewhere.",
            ),
            users: metrics.gauge(
                "gateway_users",
                "People who are connected here; looked at now and then.",
            ),
            resume_seconds: metrics.histogram(
                "gateway_resume_duration_seconds",
                "From the request of a client that says where it stood to its welcome.",
                DELIVERY_SECONDS,
            ),
            replayed: replayed(metrics),
            queue_bytes: metrics.gauge(
                "gateway_queue_bytes",
                "What waits for sockets, all connections together; looked at now and then.",
            ),
            queue_frames: metrics.histogram(
                "gateway_queue_frames",
                "Frames that wait for one connection; looked at now and then.",
                COUNTS,
            ),
            forward_seconds: metrics.histogram(
                "gateway_api_forward_duration_seconds",
                "A command's way to api and back.",
                HTTP_SECONDS,
            ),
            broadcast_seconds: metrics.histogram(
                "broadcast_duration_seconds",
                "An event's encoding and its way to all shards of this node.",
                IN_PROCESS_SECONDS,
            ),
            matched: metrics.counter(
                "deliveries_matched_total",
                "Events times the connections here that heard them.",
            ),
            acknowledged: metrics.counter(
                "deliveries_acknowledged_total",
                "Durable events that clients have said to have, which they need not say.",
            ),
            ledger_lines_lost: metrics.counter(
                "ledger_lines_lost_total",
                "Lines about deliveries to traced people that could not be written down.",
            ),
            commands: CommandMetrics::new(metrics),
        }
    }

    /// Counts somebody whose memberships were asked for at the door.
    pub(crate) fn authorised(&self, from_cache: bool) {
        let result = if from_cache { "hit" } else { "miss" };
        self.authorised.with_label_values(&[result]).inc();
    }

    /// So many more connections hear channels of this kind; `kind` is a place in [`HEARD`].
    pub(crate) fn subscribed(&self, kind: usize, more: i64) {
        self.subscriptions[kind].add(more);
    }

    /// So many messages wait for this shard.
    pub(crate) fn inbox(&self, shard: u8, waiting: usize) {
        let gauge = self.inboxes.with_label_values(&[&shard.to_string()]);
        gauge.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }

    /// Counts a replay of so many events.
    pub(crate) fn replayed(&self, source: ReplaySource, events: usize) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a replay has at most 512 events"
        )]
        self.replayed[source as usize].observe(events as f64);
    }

    pub(crate) fn handshake(&self, transport: Transport, result: HandshakeResult) {
        let labels = &[transport.label(), result.label()];
        self.handshakes.with_label_values(labels).inc();
    }

    /// Counts somebody who was turned away at the door, for this reason.
    pub(crate) fn refused(&self, reason: Refused) {
        self.refused.with_label_values(&[reason.label()]).inc();
    }

    /// Counts a connection that was asked for at `since`, for as long as the guard lives.
    pub(crate) fn opened(
        self: &Arc<Self>,
        transport: Transport,
        since: Instant,
    ) -> ConnectionGuard {
        ConnectionGuard::new(Arc::clone(self), transport, since)
    }

    /// What is counted by transport.
    pub(crate) fn line(&self, transport: Transport) -> &Lines {
        &self.lines[transport as usize]
    }

    /// Connections that are open now.
    pub(crate) fn connections(&self) -> i64 {
        self.lines.iter().map(Lines::connections).sum()
    }

    /// A connection ended.
    pub(crate) fn closed(&self, transport: Transport, end: End) {
        let labels = &[transport.label(), end.label()];
        self.closed.with_label_values(labels).inc();
    }

    /// A client that said where it stood was answered.
    pub(crate) fn resumed(&self, transport: Transport, result: ResumeResult) {
        let labels = &[transport.label(), result.label()];
        self.resumes.with_label_values(labels).inc();
    }

    /// Somebody asked for a session that is not here.
    pub(crate) fn unknown_sid(&self, known_node: bool) {
        let known = if known_node { "true" } else { "false" };
        self.unknown_sids.with_label_values(&[known]).inc();
    }

    /// A session that was polled goes on by a WebSocket, or the attempt failed.
    pub(crate) fn upgraded(&self, succeeded: bool) {
        let result = UPGRADE_RESULTS[usize::from(succeeded)];
        self.upgrades.with_label_values(&[result]).inc();
    }

    /// So many connections left a draining node in this way.
    pub(crate) fn drained(&self, how: Drained, count: u64) {
        self.drained.with_label_values(&[how.label()]).inc_by(count);
    }

    /// So many connections or shards will not get an event of this class.
    pub(crate) fn dropped(&self, class: Class, why: Dropped, count: u64) {
        if count > 0 {
            let labels = &[class_label(class), why.label()];
            self.dropped.with_label_values(labels).inc_by(count);
        }
    }
}

fn handshakes(metrics: &Metrics) -> IntCounterVec {
    let name = "gateway_handshakes_total";
    let counters = metrics.counters(name, "Handshakes by their end.", &["transport", "result"]);
    for transport in Transport::ALL {
        for result in HandshakeResult::ALL {
            counters.with_label_values(&[transport.label(), result.label()]);
        }
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
    for transport in Transport::ALL {
        for end in End::all() {
            counters.with_label_values(&[transport.label(), end.label()]);
        }
    }
    counters
}

fn resumes(metrics: &Metrics) -> IntCounterVec {
    let name = "gateway_resumes_total";
    let help = "Clients that said where they stood, by what they could be given.";
    let counters = metrics.counters(name, help, &["transport", "result"]);
    for transport in Transport::ALL {
        for result in ResumeResult::ALL {
            counters.with_label_values(&[transport.label(), result.label()]);
        }
    }
    counters
}

fn replayed(metrics: &Metrics) -> [Histogram; ReplaySource::ALL.len()] {
    let name = "gateway_resume_replayed_events";
    let help = "Events of one channel that one replay brought, by where they were.";
    let histograms = metrics.histograms(name, help, &["source"], COUNTS);
    ReplaySource::ALL.map(|source| histograms.with_label_values(&[source.label()]))
}

fn unknown_sids(metrics: &Metrics) -> IntCounterVec {
    let name = "engineio_unknown_sid_total";
    let help = "Requests for a session of Engine.IO that this node does not have, by whether there is a node that may.";
    let counters = metrics.counters(name, help, &["known_node"]);
    for known in ["false", "true"] {
        counters.with_label_values(&[known]);
    }
    counters
}

const UPGRADE_RESULTS: [&str; 2] = ["failed", "ok"];

fn upgrades(metrics: &Metrics) -> IntCounterVec {
    let name = "engineio_upgrades_total";
    let help = "Sessions of Engine.IO that were polled and tried to go on by a WebSocket.";
    let counters = metrics.counters(name, help, &["result"]);
    for result in UPGRADE_RESULTS {
        counters.with_label_values(&[result]);
    }
    counters
}

fn authorised(metrics: &Metrics) -> IntCounterVec {
    let name = "authz_cache_total";
    let help = "Arrivals by whether the mirror knew their memberships.";
    let counters = metrics.counters(name, help, &["result"]);
    for result in ["hit", "miss"] {
        counters.with_label_values(&[result]);
    }
    counters
}

fn subscriptions(metrics: &Metrics) -> [IntGauge; HEARD.len()] {
    let help = "Channels that connections hear, each connection's counted; looked at now and then.";
    let gauges = metrics.gauges("subscriptions", help, &["kind"]);
    HEARD.map(|kind| gauges.with_label_values(&[kind]))
}

fn dropped(metrics: &Metrics) -> IntCounterVec {
    let name = "gateway_events_dropped_total";
    let help = "Events that somebody did not get. A durable one is never among them silently.";
    let counters = metrics.counters(name, help, &["class", "reason"]);
    for class in CLASSES {
        for reason in Dropped::ALL {
            counters.with_label_values(&[class_label(class), reason.label()]);
        }
    }
    counters
}

fn drained(metrics: &Metrics) -> IntCounterVec {
    let name = "gateway_drain_closed_total";
    let help = "Connections of a draining node, by how they left.";
    let counters = metrics.counters(name, help, &["how"]);
    for how in Drained::ALL {
        counters.with_label_values(&[how.label()]);
    }
    counters
}
