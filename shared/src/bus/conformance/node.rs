//! A log, a Redis, and nodes that follow channels.

use std::{collections::HashMap, future::Future, sync::Arc};

use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Duration, *};
use crate::{
    bus::{backoff::Pauses, metrics::BusMetrics},
    config::RedisSettings,
    telemetry::metrics::Metrics,
};

/// More than any test produces.
const OUTPUTS_MAX: usize = 100_000;

/// What the nodes of one test share.
pub(super) struct World {
    pub(super) settings: RedisSettings,
    pub(super) bus: Bus,
    pub(super) log: MemoryLog,
}

impl World {
    /// On the Redis of all tests, or where the case is told to run.
    pub(super) fn shared() -> Self {
        Self::on(topologies::place())
    }

    pub(super) fn on(settings: RedisSettings) -> Self {
        Self {
            bus: Bus::new(&settings).unwrap(),
            settings,
            log: MemoryLog::default(),
        }
    }

    pub(super) fn history(&self) -> History {
        History::new(self.bus.clone(), Arc::new(self.log.clone()))
    }

    /// Commits an event and publishes it.
    pub(super) async fn send(&self, channel: Channel) -> Event {
        let event = self.log.commit(channel);
        self.append(std::slice::from_ref(&event)).await;
        event
    }

    pub(super) async fn send_many(&self, channel: Channel, count: usize) {
        let events = self.log.commit_many(channel, count);
        self.append(&events).await;
    }

    pub(super) async fn append(&self, events: &[Event]) -> Vec<Appended> {
        self.bus.append(events).await.unwrap()
    }

    pub(super) async fn head(&self, channel: Channel) -> Option<Position> {
        self.bus.heads(&[channel]).await.unwrap()[0]
    }

    /// What `api`'s relay does: publishes what Redis lacks.
    pub(super) async fn relay(&self, channel: Channel) {
        let head = self.head(channel).await;
        let after = head.map_or(0, |head| head.offset);
        let page = self.log.read(channel, after, 512).await.unwrap();
        self.append(&page.events).await;
    }

    /// A raw connection, to do what the bus would not.
    pub(super) async fn redis(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.settings.url.as_str()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// A node that refuses joins after this time.
    pub(super) fn patient_node(&self, join_wait: Duration) -> Node {
        let tuning = Tuning {
            join_wait,
            ..Tuning::quick()
        };
        Node::start(self, &self.settings, tuning)
    }

    pub(super) fn node(&self) -> Node {
        Node::start(self, &self.settings, Tuning::quick())
    }
}

/// What a sink was told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Output {
    Joined(ListenerId, Joined),
    Event(Listeners, Arc<Event>),
    Unheard(Arc<Event>),
    Lost(Listeners, Channel, Position),
    Interrupted(Listeners, Channel),
}

struct Outputs(mpsc::Sender<Output>);

impl Sink for Outputs {
    fn joined(&mut self, listener: ListenerId, joined: Joined) {
        self.put(Output::Joined(listener, joined));
    }

    fn event(&mut self, listeners: Listeners, event: Arc<Event>) {
        self.put(Output::Event(listeners, event));
    }

    fn unheard(&mut self, event: Arc<Event>) {
        self.put(Output::Unheard(event));
    }

    fn lost(&mut self, listeners: Listeners, channel: Channel, position: Position) {
        self.put(Output::Lost(listeners, channel, position));
    }

    fn interrupted(&mut self, listeners: Listeners, channel: Channel) {
        self.put(Output::Interrupted(listeners, channel));
    }
}

impl Outputs {
    fn put(&self, output: Output) {
        self.0.try_send(output).expect("tests read what they cause");
    }
}

/// A subscriber, and what it said.
pub(super) struct Node {
    pub(super) subscriber: Subscriber,
    pub(super) task: JoinHandle<()>,
    pub(super) metrics: Metrics,
    outputs: mpsc::Receiver<Output>,
}

impl Node {
    pub(super) fn start(world: &World, settings: &RedisSettings, tuning: Tuning) -> Self {
        let (sender, outputs) = mpsc::channel(OUTPUTS_MAX);
        let metrics = Metrics::default();
        let (subscriber, task) = Subscriber::start_tuned(
            settings,
            world.bus.clone(),
            world.history(),
            Outputs(sender),
            BusMetrics::register(&metrics, world.bus.metrics()),
            tuning,
        )
        .unwrap();
        Self {
            subscriber,
            task,
            metrics,
            outputs,
        }
    }

    pub(super) async fn ask(&self, channel: Channel, listener: u8, since: Option<Position>) {
        let join = Join {
            channel,
            listener: ListenerId(listener),
            token: 7,
            since,
        };
        self.subscriber.join(join).await.unwrap();
    }

    pub(super) async fn answer(&mut self) -> Result<Start, JoinError> {
        match self.next().await {
            Output::Joined(_, joined) => joined.outcome,
            other => panic!("expected the answer to a join, not {other:?}"),
        }
    }

    /// Joins as listener 0.
    pub(super) async fn join(&mut self, channel: Channel) -> Start {
        self.ask(channel, 0, None).await;
        self.answer().await.unwrap()
    }

    pub(super) async fn join_since(&mut self, channel: Channel, since: Position) -> Start {
        self.ask(channel, 0, Some(since)).await;
        self.answer().await.unwrap()
    }

    pub(super) async fn next(&mut self) -> Output {
        let output = timeout(PATIENCE, self.outputs.recv()).await;
        output.expect("something is said in time").unwrap()
    }

    pub(super) async fn next_event(&mut self) -> Arc<Event> {
        match self.next().await {
            Output::Event(_, event) => event,
            other => panic!("expected an event, not {other:?}"),
        }
    }

    /// Exactly these offsets of the channel come next, with nothing in between.
    pub(super) async fn hears(
        &mut self,
        channel: Channel,
        offsets: impl IntoIterator<Item = Offset>,
    ) {
        for offset in offsets {
            let event = self.next_event().await;
            assert_eq!((event.channel, event.offset()), (channel, Some(offset)));
        }
    }

    /// [`Node::hears_rest`] from the first event on.
    pub(super) async fn hears_all(&mut self, channels: &[Channel], last: Offset) {
        self.hears_rest(channels, 0, last).await;
    }

    /// Each of the channels' events comes in order, from the one after `after` to `last`; the channels mix as they like.
    pub(super) async fn hears_rest(&mut self, channels: &[Channel], after: Offset, last: Offset) {
        let mut heads: HashMap<Channel, Offset> = channels.iter().map(|c| (*c, after)).collect();
        let mut open = channels.len();
        while open > 0 {
            let event = self.next_event().await;
            let head = heads.get_mut(&event.channel).unwrap();
            *head += 1;
            assert_eq!(event.offset(), Some(*head), "{}", event.channel);
            open -= usize::from(*head == last);
        }
    }

    /// Nothing was said so far beyond what was read.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.outputs.is_empty()
    }

    /// All series of this name, or of this name and these labels, together.
    pub(super) fn metric(&self, name: &str) -> u64 {
        let text = String::from_utf8(self.metrics.render().unwrap()).unwrap();
        let series: Vec<&str> = text.lines().filter(|line| line.starts_with(name)).collect();
        assert!(!series.is_empty(), "{name} exists");
        let value = |line: &&str| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap();
        series.iter().map(value).sum()
    }
}

/// Whether this line is among them.
pub(super) fn shows(metrics: &Metrics, line: &str) -> bool {
    let text = String::from_utf8(metrics.render().unwrap()).unwrap();
    text.lines().any(|shown| shown == line)
}

impl Tuning {
    /// The same behaviour, sooner. The regular comparison stays far away; tests that are about it ask for it.
    pub(super) fn quick() -> Self {
        Self {
            tick: Duration::from_millis(20),
            grace: Duration::from_millis(60),
            retry: Pauses {
                first: Duration::from_millis(40),
                max: Duration::from_millis(200),
            },
            ..Self::default()
        }
    }
}

/// Asks again and again until the answer is yes.
pub(super) async fn eventually<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let asking = async {
        while !ask().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(PATIENCE, asking).await.is_ok(), "in vain: {what}");
}

impl World {
    /// Appends events as if every message about them had been lost: nobody is subscribed to where they are published.
    pub(super) async fn put_silently(&self, events: &[Event]) {
        let names = self.bus.names();
        for event in events {
            let record = event.to_record();
            let head = event.position.unwrap();
            let mut pipeline = redis::pipe();
            pipeline
                .cmd("RPUSH")
                .arg(names.tail(event.channel))
                .arg(&record[..])
                .ignore();
            let head = format!("{} {}", head.epoch, head.offset);
            pipeline
                .cmd("SET")
                .arg(names.head(event.channel))
                .arg(head)
                .ignore();
            let () = self.bus.query(&pipeline).await.unwrap();
        }
    }

    /// Makes Redis forget a channel.
    pub(super) async fn forget(&self, channel: Channel) {
        let [head, tail, waiting, ..] = self.bus.names().log(channel);
        let mut pipeline = redis::pipe();
        pipeline.cmd("DEL").arg(&[head, tail, waiting]).ignore();
        let () = self.bus.query(&pipeline).await.unwrap();
    }
}
