//! What the bus counts. Labels are closed sets; a server is named by its place in the configuration, in a cluster by the order of
//! its slots, never by its address.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use crate::{
    clock::Clock,
    telemetry::metrics::{DELIVERY_SECONDS, IN_PROCESS_SECONDS, Metrics},
    wire::{Channel, Class, Event},
};

/// Servers by their place in the layout, of as many as are told apart.
const SHARDS: [&str; 17] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "more",
];
const ROLE_PUBLISH: &str = "publish";
const ROLE_SUBSCRIBE: &str = "subscribe";
const CHANNEL_KINDS: [&str; 5] = ["user", "group", "post", "node", "broadcast"];

/// What is counted of both ways: commands out, and subscriptions in.
#[derive(Debug, Clone)]
pub(super) struct LinkMetrics {
    connected: IntGaugeVec,
    reconnects: IntCounterVec,
    command_seconds: HistogramVec,
}

/// Why a connection was given up.
#[derive(Debug, Clone, Copy)]
pub(super) enum Loss {
    /// The other side, or the network, ended it.
    Closed,
    /// It was up and delivered or answered nothing.
    Silent,
    /// Redis refused what it was asked.
    Refused,
}

impl Loss {
    const ALL: [Self; 3] = [Self::Closed, Self::Silent, Self::Refused];

    const fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Silent => "silent",
            Self::Refused => "refused",
        }
    }
}

impl LinkMetrics {
    pub(super) fn register(metrics: &Metrics) -> Self {
        Self {
            connected: metrics.gauges(
                "bus_connected",
                "Whether Redis answers (publish), and whether the subscription connection is up (subscribe).",
                &["shard", "role"],
            ),
            reconnects: metrics.counters(
                "bus_reconnects_total",
                "Connections to Redis that were given up, and made again.",
                &["shard", "role", "reason"],
            ),
            command_seconds: metrics.histograms(
                "bus_command_duration_seconds",
                "From a command to Redis's answer, or to giving it up.",
                &["op"],
                IN_PROCESS_SECONDS,
            ),
        }
    }

    /// Shows so many servers, at least one, and no others that were shown before.
    fn show(&self, role: &str, servers: usize) {
        for shard in SHARDS.iter().take(servers.max(1)) {
            self.connected.with_label_values(&[shard, role]);
            for loss in Loss::ALL {
                let labels = &[shard, role, loss.label()];
                self.reconnects.with_label_values(labels);
            }
        }
        for shard in SHARDS.iter().skip(servers.max(1)) {
            // One that was never shown is not there to be removed.
            self.connected.remove_label_values(&[shard, role]).ok();
        }
    }

    fn connected(&self, role: &str, server: usize, is_up: bool) {
        let connected = self.connected.with_label_values(&[shard(server), role]);
        connected.set(i64::from(is_up));
    }

    fn lost(&self, role: &str, server: usize, loss: Loss) {
        let labels = &[shard(server), role, loss.label()];
        self.reconnects.with_label_values(labels).inc();
    }
}

/// What a server is called, by its place in the layout.
fn shard(server: usize) -> &'static str {
    SHARDS.get(server).unwrap_or(&SHARDS[SHARDS.len() - 1])
}

/// What a program's commands are counted by, once it has said where.
#[derive(Debug, Default)]
pub(super) struct CommandMetrics {
    links: OnceLock<LinkMetrics>,
    /// How many servers are shown.
    servers: AtomicUsize,
}

impl CommandMetrics {
    /// Once for each set of metrics. `layout` is how Redis is laid out, and over how many servers.
    pub(super) fn register(&self, metrics: &Metrics, layout: (&str, &str)) {
        self.links.get_or_init(|| {
            let name = "config_info";
            let info = metrics.gauges(name, "How Redis is laid out.", &["bus_mode", "shards"]);
            info.with_label_values(&[layout.0, layout.1]).set(1);
            let links = LinkMetrics::register(metrics);
            links.show(ROLE_PUBLISH, 1);
            links
        });
    }

    /// There are so many servers now.
    pub(super) fn follow(&self, servers: usize) {
        if let Some(links) = self.links.get()
            && self.servers.swap(servers, Ordering::Relaxed) != servers
        {
            links.show(ROLE_PUBLISH, servers);
        }
    }

    /// A command was answered, or given up.
    pub(super) fn ran(&self, operation: &str, time: Duration) {
        if let Some(links) = self.links.get() {
            let seconds = links.command_seconds.with_label_values(&[operation]);
            seconds.observe(time.as_secs_f64());
        }
    }

    /// This server answers.
    pub(super) fn answered(&self, server: usize) {
        if let Some(links) = self.links.get() {
            links.connected(ROLE_PUBLISH, server, true);
        }
    }

    /// It does not, or a connection to it was given up for another reason.
    pub(super) fn lost(&self, server: usize, loss: Loss) {
        if let Some(links) = self.links.get() {
            links.connected(ROLE_PUBLISH, server, false);
            links.lost(ROLE_PUBLISH, server, loss);
        }
    }

    /// Those of the subscription, of a program that shows its metrics.
    fn subscription(&self, metrics: &Metrics) -> Subscriptions {
        let links = self.links.get().cloned();
        let links = links.unwrap_or_else(|| LinkMetrics::register(metrics));
        links.show(ROLE_SUBSCRIBE, 1);
        Subscriptions(links)
    }
}

/// Subscription connections.
#[derive(Debug, Clone)]
pub(super) struct Subscriptions(LinkMetrics);

impl Subscriptions {
    /// There are these servers now, each with a connection that is up or is not.
    pub(super) fn are(&self, up: &[bool]) {
        self.0.show(ROLE_SUBSCRIBE, up.len());
        for (server, is_up) in up.iter().enumerate() {
            self.0.connected(ROLE_SUBSCRIBE, server, *is_up);
        }
    }

    /// One was given up.
    pub(super) fn lost(&self, server: usize, loss: Loss) {
        self.0.lost(ROLE_SUBSCRIBE, server, loss);
    }
}

/// Counters of one subscriber.
#[derive(Debug, Clone)]
pub(super) struct BusMetrics {
    pub(super) subscriptions: Subscriptions,
    pub(super) notices: IntCounter,
    pub(super) malformed: IntCounter,
    pub(super) gaps_detected: IntCounter,
    pub(super) gaps_healed: IntCounter,
    pub(super) gaps_unhealed: IntCounter,
    pub(super) subscribe_seconds: Histogram,
    /// By kind of channel and class.
    messages: [[IntCounter; 3]; CHANNEL_KINDS.len()],
    channels: [IntGauge; CHANNEL_KINDS.len()],
    lag: HistogramVec,
    /// Of each server.
    lags: Vec<Histogram>,
    clock: Clock,
}

impl BusMetrics {
    pub(super) fn register(metrics: &Metrics, commands: &CommandMetrics) -> Self {
        let gaps = metrics.counters(
            "bus_gaps_total",
            "Holes in a channel's stream: found, filled from the tail or the log, and beyond help (listeners were told).",
            &["kind"],
        );
        let messages = metrics.counters(
            "bus_messages_total",
            "Events that Redis delivered.",
            &["kind", "class"],
        );
        let channels = metrics.gauges(
            "channels",
            "Channels that this node is subscribed to.",
            &["kind"],
        );
        let lag = metrics.histograms(
            "bus_lag_seconds",
            "From an event's commit until a node has it from Redis.",
            &["shard"],
            DELIVERY_SECONDS,
        );
        Self {
            subscriptions: commands.subscription(metrics),
            notices: metrics.counter(
                "bus_notices_total",
                "Words of Redis about a head that was moved without an event.",
            ),
            malformed: metrics.counter(
                "bus_messages_malformed_total",
                "Messages that were not events of ours.",
            ),
            gaps_detected: gaps.with_label_values(&["detected"]),
            gaps_healed: gaps.with_label_values(&["healed"]),
            gaps_unhealed: gaps.with_label_values(&["unhealed"]),
            subscribe_seconds: metrics.histogram(
                "subscribe_duration_seconds",
                "From the wish to hear a channel until Redis has confirmed the subscription.",
                DELIVERY_SECONDS,
            ),
            messages: CHANNEL_KINDS.map(|kind| {
                ["durable", "state", "chatter"]
                    .map(|class| messages.with_label_values(&[kind, class]))
            }),
            channels: CHANNEL_KINDS.map(|kind| channels.with_label_values(&[kind])),
            lags: vec![lag.with_label_values(&[shard(0)])],
            lag,
            clock: Clock::System,
        }
    }

    /// There are these servers now, each with a subscription connection that is up or is not.
    pub(super) fn follow(&mut self, up: &[bool]) {
        self.subscriptions.are(up);
        for server in self.lags.len()..up.len() {
            self.lags.push(self.lag.with_label_values(&[shard(server)]));
        }
    }

    /// An event has come from this server.
    pub(super) fn received(&self, event: &Event, server: usize) {
        let class = match event.class {
            Class::Durable => 0,
            Class::State => 1,
            Class::Chatter => 2,
        };
        self.messages[kind(event.channel)][class].inc();
        let lag_ms = self.clock.now_ms().saturating_sub(event.committed_at_ms);
        let lag = Duration::from_millis(lag_ms.max(0).unsigned_abs());
        if let Some(seconds) = self.lags.get(server) {
            seconds.observe(lag.as_secs_f64());
        }
    }

    /// The node follows one more channel of this kind.
    pub(super) fn followed(&self, channel: Channel) {
        self.channels[kind(channel)].inc();
    }

    /// And one less.
    pub(super) fn forsaken(&self, channel: Channel) {
        self.channels[kind(channel)].dec();
    }
}

/// Its place among [`CHANNEL_KINDS`].
const fn kind(channel: Channel) -> usize {
    match channel {
        Channel::User(_) => 0,
        Channel::Group(_) => 1,
        Channel::Post(_) => 2,
        Channel::Node(_) => 3,
        Channel::Broadcast => 4,
    }
}
