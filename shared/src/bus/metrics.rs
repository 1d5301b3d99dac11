//! What the bus counts. Labels are closed sets; a server is named by its place in the configuration, never by its address.

use std::{sync::OnceLock, time::Duration};

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use crate::{
    clock::Clock,
    telemetry::metrics::{DELIVERY_SECONDS, IN_PROCESS_SECONDS, Metrics},
    wire::{Channel, Class, Event},
};

/// The first server, and the only one where there is but one.
pub(super) const FIRST_SHARD: &str = "0";
const ROLE_PUBLISH: &str = "publish";
const ROLE_SUBSCRIBE: &str = "subscribe";
const CHANNEL_KINDS: [&str; 5] = ["user", "group", "post", "node", "broadcast"];

/// What is counted of both ways: commands out, and subscriptions in.
#[derive(Debug)]
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

    fn side(&self, shard: &str, role: &str) -> Side {
        let reconnects = Loss::ALL.map(|loss| {
            let labels = &[shard, role, loss.label()];
            self.reconnects.with_label_values(labels)
        });
        Side {
            connected: self.connected.with_label_values(&[shard, role]),
            reconnects,
        }
    }
}

/// One server, one way.
#[derive(Debug, Clone)]
pub(super) struct Side {
    connected: IntGauge,
    reconnects: [IntCounter; Loss::ALL.len()],
}

impl Side {
    pub(super) fn up(&self) {
        self.connected.set(1);
    }

    pub(super) fn lost(&self, loss: Loss) {
        self.connected.set(0);
        self.reconnects[loss as usize].inc();
    }
}

/// What a program's commands are counted by, once it has said where.
#[derive(Debug, Default)]
pub(super) struct CommandMetrics {
    registered: OnceLock<(LinkMetrics, Side)>,
}

impl CommandMetrics {
    /// Once for each set of metrics. `layout` is how Redis is laid out, and over how many servers.
    pub(super) fn register(&self, metrics: &Metrics, layout: (&str, &str)) {
        self.registered.get_or_init(|| {
            let name = "config_info";
            let info = metrics.gauges(name, "How Redis is laid out.", &["bus_mode", "shards"]);
            info.with_label_values(&[layout.0, layout.1]).set(1);
            let links = LinkMetrics::register(metrics);
            let side = links.side(FIRST_SHARD, ROLE_PUBLISH);
            (links, side)
        });
    }

    /// A command was answered, or given up.
    pub(super) fn ran(&self, operation: &str, time: Duration) {
        if let Some((links, _)) = self.registered.get() {
            let seconds = links.command_seconds.with_label_values(&[operation]);
            seconds.observe(time.as_secs_f64());
        }
    }

    /// Redis answers.
    pub(super) fn answered(&self) {
        if let Some((_, side)) = self.registered.get() {
            side.up();
        }
    }

    /// It does not, or a connection was given up for another reason.
    pub(super) fn lost(&self, loss: Loss) {
        if let Some((_, side)) = self.registered.get() {
            side.lost(loss);
        }
    }

    /// The subscription's side, of a program that shows its metrics.
    fn subscription(&self, metrics: &Metrics) -> Side {
        match self.registered.get() {
            Some((links, _)) => links.side(FIRST_SHARD, ROLE_SUBSCRIBE),
            None => LinkMetrics::register(metrics).side(FIRST_SHARD, ROLE_SUBSCRIBE),
        }
    }
}

/// Counters of one subscriber.
#[derive(Debug, Clone)]
pub(super) struct BusMetrics {
    pub(super) subscription: Side,
    pub(super) notices: IntCounter,
    pub(super) malformed: IntCounter,
    pub(super) gaps_detected: IntCounter,
    pub(super) gaps_healed: IntCounter,
    pub(super) gaps_unhealed: IntCounter,
    pub(super) subscribe_seconds: Histogram,
    /// By kind of channel and class.
    messages: [[IntCounter; 3]; CHANNEL_KINDS.len()],
    channels: [IntGauge; CHANNEL_KINDS.len()],
    lag: Histogram,
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
            subscription: commands.subscription(metrics),
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
            lag: lag.with_label_values(&[FIRST_SHARD]),
            clock: Clock::System,
        }
    }

    /// An event has come.
    pub(super) fn received(&self, event: &Event) {
        let class = match event.class {
            Class::Durable => 0,
            Class::State => 1,
            Class::Chatter => 2,
        };
        self.messages[kind(event.channel)][class].inc();
        let lag_ms = self.clock.now_ms().saturating_sub(event.committed_at_ms);
        let lag = Duration::from_millis(lag_ms.max(0).unsigned_abs());
        self.lag.observe(lag.as_secs_f64());
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
