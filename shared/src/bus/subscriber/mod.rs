//! One subscription stream for a node.
//!
//! A node's listeners (the gateway's shards) join and leave channels. The subscriber subscribes a channel when its first
//! listener joins, puts what arrives in order, closes gaps from the history, and hands every event to the [`Sink`] once,
//! with the set of listeners that it is for.
//!
//! The redis crate's own Pub/Sub is not used: it hands messages on through a channel without a bound, so that a node that
//! falls behind would grow until it dies, and it loses subscriptions when it reconnects. Here nothing is read from the socket
//! before what was read has been worked off. What is not read waits in the kernel's buffers, then in Redis, which cuts the
//! connection off at its `client-output-buffer-limit`; that is a reconnect like any other, after which gaps are closed.

mod actor;
mod changes;
mod connection;
mod followed;
mod lines;
mod link;
mod resp;
mod stream;
mod tuning;
mod wheel;
mod work;

use std::sync::Arc;

use tokio::{sync::mpsc, task::JoinHandle};

pub(super) use self::tuning::Tuning;
use self::{actor::Actor, lines::Lines};
use super::{Bus, BusError, History, metrics::BusMetrics, topology::Topology};
use crate::{
    config::RedisSettings,
    telemetry::metrics::Metrics,
    wire::{Channel, Event, Offset, Position},
};

/// Joins and leaves that may wait for the subscriber's attention before those who ask wait too.
const REQUESTS_MAX: usize = 1024;

/// A listener's number on this node: 0 to 63.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub u8);

impl ListenerId {
    /// The largest number.
    pub const MAX: Self = Self(63);

    /// No bit for a number that is too large: such a listener hears nothing.
    const fn bit(self) -> u64 {
        match 1_u64.checked_shl(self.0 as u32) {
            Some(bit) => bit,
            None => 0,
        }
    }
}

/// A set of listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Listeners(pub u64);

impl Listeners {
    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the listener is among them.
    pub const fn contains(self, listener: ListenerId) -> bool {
        self.0 & listener.bit() != 0
    }

    /// Each of them, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = ListenerId> {
        (0..=ListenerId::MAX.0)
            .map(ListenerId)
            .filter(move |listener| self.contains(*listener))
    }

    const fn insert(&mut self, listener: ListenerId) {
        self.0 |= listener.bit();
    }

    const fn remove(&mut self, listener: ListenerId) {
        self.0 &= !listener.bit();
    }
}

/// Asks to hear a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Join {
    /// What to hear.
    pub channel: Channel,
    /// Who wants to.
    pub listener: ListenerId,
    /// Handed back in [`Joined`]: which of the listener's connections asked.
    pub token: u64,
    /// Where the connection stopped hearing it before, if it did.
    pub since: Option<Position>,
}

/// The answer to a [`Join`]. Events that come to the sink after it for this listener follow `position` without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// From the question.
    pub channel: Channel,
    /// From the question.
    pub token: u64,
    /// Where the stream starts, or why there is none.
    pub outcome: Result<Start, JoinError>,
}

/// Where a stream starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The channel's position on this node; `None` for channels without a log.
    pub position: Option<Position>,
    /// What the asker missed before it.
    pub replay: Replay,
}

/// What lies between the asker's `since` and the stream's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// No `since` was given, or the channel has no log.
    NotAsked,
    /// Nothing was missed.
    Nothing,
    /// Read this range from [`History`], send it first, hold live events meanwhile.
    Range {
        /// The asker's `since`.
        after: Position,
        /// The last event before the stream's start.
        through: Offset,
    },
    /// The asker's `since` is of another epoch, or beyond the head.
    EpochChanged,
}

/// Why a channel could not be joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// Redis, or the log when Redis does not know the head, did not answer in time.
    #[error("the bus is unavailable")]
    Unavailable,
}

/// The subscriber's task is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the subscriber has stopped")]
pub struct SubscriberStopped;

/// Where a subscriber puts what it has. Called from one task, in order; must never block, so a sink with a full queue
/// remembers the loss itself and tells its listeners.
pub trait Sink: Send + 'static {
    /// A join was answered.
    fn joined(&mut self, listener: ListenerId, joined: Joined);

    /// An event for these listeners. Durable events of a channel come in the order of their offsets, each once.
    fn event(&mut self, listeners: Listeners, event: Arc<Event>);

    /// A durable event of a channel that nobody listens to at the moment: somebody did a moment ago, and may come back.
    /// Most sinks have no use for it.
    fn unheard(&mut self, event: Arc<Event>) {
        drop(event);
    }

    /// Some events of a durable channel cannot be had any more: the log's life changed, or it no longer holds them.
    /// What comes next for these listeners follows `position` without a gap; what was before it must be read as state.
    fn lost(&mut self, listeners: Listeners, channel: Channel, position: Position);

    /// A channel without a log is heard again after its subscription was cut; what was said on it meanwhile is lost.
    fn interrupted(&mut self, listeners: Listeners, channel: Channel);
}

/// A handle on a node's subscriber; clones talk to the same one.
#[derive(Debug, Clone)]
pub struct Subscriber {
    requests: mpsc::Sender<Request>,
}

#[derive(Debug, Clone, Copy)]
enum Request {
    Join(Join),
    Leave(Channel, ListenerId),
}

impl Subscriber {
    /// Starts the subscriber's task. It ends when every handle is dropped.
    ///
    /// It connects by itself, and again whenever the connection is lost; Redis may be away when it starts.
    pub fn start(
        settings: &RedisSettings,
        bus: Bus,
        history: History,
        sink: impl Sink,
    ) -> Result<(Self, JoinHandle<()>), BusError> {
        Self::start_measured(settings, bus, history, sink, &Metrics::default())
    }

    /// [`Subscriber::start`], with its counters among `metrics`. Once for each set of metrics.
    pub fn start_measured(
        settings: &RedisSettings,
        bus: Bus,
        history: History,
        sink: impl Sink,
        metrics: &Metrics,
    ) -> Result<(Self, JoinHandle<()>), BusError> {
        let metrics = BusMetrics::register(metrics, bus.metrics());
        Self::start_tuned(settings, bus, history, sink, metrics, Tuning::default())
    }

    pub(super) fn start_tuned(
        settings: &RedisSettings,
        bus: Bus,
        history: History,
        sink: impl Sink,
        metrics: BusMetrics,
        tuning: Tuning,
    ) -> Result<(Self, JoinHandle<()>), BusError> {
        let (requests, inbox) = mpsc::channel(REQUESTS_MAX);
        let url = settings.pubsub_url.as_ref().unwrap_or(&settings.url);
        let topology = Arc::new(Topology::new(url, settings)?);
        let tls = topology.tls();
        let names = bus.names().clone();
        let lines = Lines::new(topology, tls, settings.timeout, names);
        let actor = Actor::new(lines, bus, history, sink, metrics, tuning);
        Ok((Self { requests }, tokio::spawn(actor.run(inbox))))
    }

    /// Asks to hear a channel; the answer comes to the sink. A listener that has joined before is answered again, for
    /// another of its connections.
    ///
    /// Every join is answered exactly once, within some seconds.
    pub async fn join(&self, join: Join) -> Result<(), SubscriberStopped> {
        self.requests
            .send(Request::Join(join))
            .await
            .map_err(|_| SubscriberStopped)
    }

    /// The listener wants no more of the channel; its joins that were not answered yet are refused. The subscription
    /// itself is kept for some seconds, so that a reload does not churn.
    pub async fn leave(
        &self,
        channel: Channel,
        listener: ListenerId,
    ) -> Result<(), SubscriberStopped> {
        self.requests
            .send(Request::Leave(channel, listener))
            .await
            .map_err(|_| SubscriberStopped)
    }
}
