//! What a program asks of Redis outside its subscription.

use std::{sync::Arc, time::Duration};

use redis::{Cmd, FromRedisValue, Pipeline};

use super::{
    connections::{Connections, Repeat},
    head::parse_head,
    metrics::CommandMetrics,
    names::Names,
    scripts,
};
use crate::{
    config::RedisSettings,
    ratelimit::Rate,
    telemetry::metrics::Metrics,
    wire::{Channel, Event, Offset, Position},
};

/// Commands that go out together: enough to hide the round trip, few enough to let others in between.
pub(super) const PIPELINE_COMMANDS_MAX: usize = 512;

/// Events that one call of the script appends: enough to share what a call costs, few enough to let others in between.
const APPENDED_TOGETHER_MAX: usize = 16;

/// What became of each event, and what is to be published, each with the number of its event, counted from one.
type AppendAnswer = (Vec<u16>, Vec<(usize, Vec<u8>)>);

/// Redis did not do what was asked. Nothing is known about whether it happened: every command here may be repeated.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BusError {
    /// The URL is not one.
    #[error("REDIS_URL: {0}")]
    Configuration(String),
    /// No connection, no answer in time, or an answer that Redis gives while it cannot serve.
    #[error("redis is unavailable: {0}")]
    Unavailable(String),
}

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// In the tail and published, together with any successors that had waited for it.
    Published,
    /// It was there before; nothing was done.
    Repeat,
    /// It came before its predecessor and waits for it in Redis, for a bounded time.
    Waiting,
    /// It came before its predecessor and too many wait already; the relay will bring it.
    Refused,
}

impl Appended {
    /// From what `append.lua` returns.
    fn from_code(code: Option<u16>) -> Self {
        match code {
            Some(0) => Self::Published,
            Some(1) => Self::Repeat,
            Some(2) => Self::Waiting,
            _ => Self::Refused,
        }
    }
}

/// What the cached tail of a channel knows about a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tail {
    /// Every event of the range, in order.
    Complete(Vec<Event>),
    /// The tail does not reach back far enough, or is of another epoch, or is gone: the log knows.
    TooShort,
}

/// A handle on Redis for commands; clones share a few multiplexed connections, made when first needed.
#[derive(Debug, Clone)]
pub struct Bus {
    connections: Arc<Connections>,
    /// Where Pub/Sub is not where the rest is.
    apart: Option<Arc<Connections>>,
    names: Names,
}

impl Bus {
    /// A handle that connects when first used, so that a program starts while Redis is away.
    pub fn new(settings: &RedisSettings) -> Result<Self, BusError> {
        Ok(Self {
            connections: Arc::new(Connections::new(&settings.url, settings)?),
            apart: match &settings.pubsub_url {
                Some(url) => Some(Arc::new(Connections::new(url, settings)?)),
                None => None,
            },
            names: Names::new(&settings.prefix),
        })
    }

    /// Shows what is counted of commands among `metrics`, once for each set of them. For all clones.
    pub fn measure(&self, metrics: &Metrics) {
        let layout = self.connections.topology().described();
        self.connections.metrics().register(metrics, layout);
    }

    pub(super) fn metrics(&self) -> &CommandMetrics {
        self.connections.metrics()
    }

    /// Appends durable events to their channels' tails at exactly their offsets, and publishes them, in one pipeline.
    /// Events of one channel must stand in the order of their offsets. An event without a position is refused.
    pub async fn append(&self, events: &[Event]) -> Result<Vec<Appended>, BusError> {
        let mut outcomes = Vec::with_capacity(events.len());
        let is_one_server = self.is_one_server();
        for batch in events.chunks(PIPELINE_COMMANDS_MAX) {
            let numbered: Vec<_> = batch.iter().filter_map(numbered).collect();
            let groups = numbered
                .chunk_by(|(one, _), (next, _)| is_one_server || one.channel == next.channel);
            let groups: Vec<_> = groups
                .flat_map(|g| g.chunks(APPENDED_TOGETHER_MAX))
                .collect();
            let commands = groups
                .iter()
                .map(|group| scripts::append(&self.names, self.verb(), group));
            let answers = self.call::<AppendAnswer>(commands).await?;
            let mut codes = answers.iter().flat_map(|(codes, _)| codes);
            outcomes.extend(batch.iter().map(|event| {
                let code = event.position.and_then(|_| codes.next());
                Appended::from_code(code.copied())
            }));
            let unannounced: Vec<_> = groups
                .iter()
                .zip(answers)
                .flat_map(|(group, (_, records))| channels_of(group, records))
                .collect();
            self.announce(&unannounced).await?;
        }
        Ok(outcomes)
    }

    /// Publishes ephemeral events: whoever listens now hears them.
    pub async fn publish(&self, events: &[Event]) -> Result<(), BusError> {
        for batch in events.chunks(PIPELINE_COMMANDS_MAX) {
            let mut pipeline = Pipeline::with_capacity(batch.len());
            for event in batch {
                let stream = self.names.stream(event.channel);
                let publish = pipeline.cmd(self.publish_verb()).arg(stream);
                publish.arg(&event.to_record()[..]).ignore();
            }
            self.stream_query(&pipeline).await?;
        }
        Ok(())
    }

    /// Publishes what a script has moved a head by, where the script cannot. Whoever misses it, since this fails, finds
    /// another head than it knows at its next comparison.
    async fn announce(&self, records: &[(Channel, Vec<u8>)]) -> Result<(), BusError> {
        for batch in records.chunks(PIPELINE_COMMANDS_MAX) {
            let mut pipeline = Pipeline::with_capacity(batch.len());
            for (channel, record) in batch {
                let stream = self.names.stream(*channel);
                let publish = pipeline.cmd(self.publish_verb()).arg(stream);
                publish.arg(record).ignore();
            }
            self.stream_query(&pipeline).await?;
        }
        Ok(())
    }

    /// The servers that have Pub/Sub.
    pub(super) fn streams(&self) -> &Connections {
        self.apart.as_ref().unwrap_or(&self.connections)
    }

    /// How to publish there.
    fn publish_verb(&self) -> &'static str {
        if self.streams().topology().is_cluster() {
            "SPUBLISH"
        } else {
            "PUBLISH"
        }
    }

    /// How scripts publish; empty where they cannot.
    fn verb(&self) -> &'static str {
        if self.apart.is_some() {
            ""
        } else {
            self.publish_verb()
        }
    }

    async fn stream_query(&self, pipeline: &Pipeline) -> Result<(), BusError> {
        self.streams().query(pipeline, Repeat::Harmless).await
    }

    /// Where the channels' tails end; `None` where Redis knows nothing, which is not the same as "no events".
    pub async fn heads(&self, channels: &[Channel]) -> Result<Vec<Option<Position>>, BusError> {
        let mut heads = Vec::with_capacity(channels.len());
        for batch in channels.chunks(PIPELINE_COMMANDS_MAX) {
            let mut pipeline = Pipeline::with_capacity(batch.len());
            for channel in batch {
                pipeline.cmd("GET").arg(self.names.head(*channel));
            }
            let texts: Vec<Option<String>> = self.query(&pipeline).await?;
            heads.extend(texts.iter().map(|text| parse_head(text.as_deref()?)));
        }
        Ok(heads)
    }

    /// The events after `after` up to and including `through`.
    pub async fn tail(
        &self,
        channel: Channel,
        after: Position,
        through: Offset,
    ) -> Result<Tail, BusError> {
        if through <= after.offset {
            return Ok(Tail::Complete(Vec::new()));
        }
        let command = scripts::tail(&self.names, channel, after, through);
        let answers: Vec<Option<Vec<Vec<u8>>>> = self.call([command]).await?;
        let Some(Some(records)) = answers.into_iter().next() else {
            return Ok(Tail::TooShort);
        };
        Ok(read_range(channel, after, through, records).map_or(Tail::TooShort, Tail::Complete))
    }

    /// Fills an empty tail from the log, unless something newer is there already. `events` end at `head`, without holes.
    ///
    /// It also makes a head known where Redis has none, or one of another epoch, and tells subscribers of it. A head that
    /// Redis has is never moved forward: that would hide from the relay what was not published.
    pub async fn warm(
        &self,
        channel: Channel,
        head: Position,
        events: &[Event],
    ) -> Result<(), BusError> {
        let command = scripts::warm(&self.names, self.verb(), (channel, head), events);
        self.warm_by([(channel, command)]).await
    }

    /// [`Bus::warm`] without events for many channels, in few round trips.
    pub(super) async fn warm_heads(&self, heads: &[(Channel, Position)]) -> Result<(), BusError> {
        for batch in heads.chunks(PIPELINE_COMMANDS_MAX) {
            let commands = batch.iter().map(|(channel, head)| {
                let warm = scripts::warm(&self.names, self.verb(), (*channel, *head), &[]);
                (*channel, warm)
            });
            self.warm_by(commands).await?;
        }
        Ok(())
    }

    async fn warm_by(
        &self,
        commands: impl IntoIterator<Item = (Channel, Cmd)>,
    ) -> Result<(), BusError> {
        let (channels, commands): (Vec<Channel>, Vec<Cmd>) = commands.into_iter().unzip();
        let answers = self.call::<(u8, Vec<Vec<u8>>)>(commands).await?;
        let notices = channels.iter().zip(answers);
        let notices = notices.flat_map(|(channel, (_, notices))| {
            notices.into_iter().map(|notice| (*channel, notice))
        });
        self.announce(&notices.collect::<Vec<_>>()).await
    }

    /// Sets marks that last for `lifetime`.
    pub async fn set_marks(&self, names: &[String], lifetime: Duration) -> Result<(), BusError> {
        let marks = names.iter().map(|name| (name.clone(), "1".to_owned()));
        self.set_mark_texts(&marks.collect::<Vec<_>>(), lifetime)
            .await
    }

    /// As [`Bus::set_marks`], with a text at each.
    pub async fn set_mark_texts(
        &self,
        marks: &[(String, String)],
        lifetime: Duration,
    ) -> Result<(), BusError> {
        let lifetime_ms = scripts::milliseconds(lifetime);
        for batch in marks.chunks(PIPELINE_COMMANDS_MAX) {
            let mut pipeline = Pipeline::with_capacity(batch.len());
            for (name, text) in batch {
                let command = pipeline.cmd("SET").arg(self.names.mark(name)).arg(text);
                command.arg("PX").arg(lifetime_ms).ignore();
            }
            self.query::<()>(&pipeline).await?;
        }
        Ok(())
    }

    /// Whether all keys are always on one server: the commands of a pipeline are done in their order, and a script may touch
    /// any of them.
    pub(super) fn is_one_server(&self) -> bool {
        self.connections.topology().is_one_server()
    }

    /// Which of the marks are set.
    pub async fn marks(&self, names: &[String]) -> Result<Vec<bool>, BusError> {
        let mut marks = Vec::with_capacity(names.len());
        for batch in names.chunks(PIPELINE_COMMANDS_MAX) {
            let mut pipeline = Pipeline::with_capacity(batch.len());
            for name in batch {
                pipeline.cmd("EXISTS").arg(self.names.mark(name));
            }
            marks.extend(self.query::<Vec<bool>>(&pipeline).await?);
        }
        Ok(marks)
    }

    /// The texts at the marks; nothing for those that are not set.
    pub async fn mark_texts(&self, names: &[String]) -> Result<Vec<Option<String>>, BusError> {
        let mut texts = Vec::with_capacity(names.len());
        for batch in names.chunks(PIPELINE_COMMANDS_MAX) {
            let mut pipeline = Pipeline::with_capacity(batch.len());
            for name in batch {
                pipeline.cmd("GET").arg(self.names.mark(name));
            }
            texts.extend(self.query::<Vec<Option<String>>>(&pipeline).await?);
        }
        Ok(texts)
    }

    /// Claims a name for `lifetime`: true for the first who asks, false for everybody after.
    ///
    /// After an error nobody knows whether the name was claimed, so it counts as taken: ask for another.
    pub async fn claim(&self, name: &str, lifetime: Duration) -> Result<bool, BusError> {
        let mut pipeline = Pipeline::new();
        let command = pipeline.cmd("SET").arg(self.names.claim(name)).arg(1);
        let lifetime_ms = scripts::milliseconds(lifetime);
        command.arg("NX").arg("PX").arg(lifetime_ms);
        let (answer,): (Option<String>,) = self.connections.query(&pipeline, Repeat::Never).await?;
        Ok(answer.is_some())
    }

    /// Takes a token from each of these buckets, in one round trip, or says how long it is until the last of those that
    /// are empty has one again.
    pub(crate) async fn take_tokens(
        &self,
        buckets: &[(&str, Rate)],
    ) -> Result<Option<Duration>, BusError> {
        let scripts = buckets
            .iter()
            .map(|(bucket, rate)| scripts::take(&self.names, bucket, *rate));
        // Repeated after a broken connection it may take two, which a limit can bear.
        let waits = self.call::<u64>(scripts).await?;
        let wait_us = waits.into_iter().max().unwrap_or_default();
        Ok((wait_us > 0).then(|| Duration::from_micros(wait_us)))
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), BusError> {
        self.query::<()>(Pipeline::new().cmd("PING").ignore()).await
    }

    /// Sends a word to a subscriber's private Pub/Sub channel.
    pub(super) async fn probe(&self, stream: &str) -> Result<(), BusError> {
        let mut pipeline = Pipeline::new();
        let publish = pipeline.cmd(self.publish_verb()).arg(stream);
        publish.arg("").ignore();
        self.stream_query(&pipeline).await
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    pub(super) async fn query<T: FromRedisValue>(
        &self,
        pipeline: &Pipeline,
    ) -> Result<T, BusError> {
        self.connections.query(pipeline, Repeat::Harmless).await
    }

    /// Calls scripts; servers that do not know them are taught.
    pub(super) async fn call<T: FromRedisValue>(
        &self,
        commands: impl IntoIterator<Item = Cmd>,
    ) -> Result<Vec<T>, BusError> {
        let mut pipeline = Pipeline::new();
        for command in commands {
            pipeline.add_command(command);
        }
        if pipeline.is_empty() {
            return Ok(Vec::new());
        }
        self.query(&pipeline).await
    }
}

fn numbered(event: &Event) -> Option<(&Event, Position)> {
    Some((event, event.position?))
}

/// The records with the channels of their events.
fn channels_of(
    group: &[(&Event, Position)],
    records: Vec<(usize, Vec<u8>)>,
) -> impl Iterator<Item = (Channel, Vec<u8>)> {
    records.into_iter().filter_map(|(number, record)| {
        let (event, _) = group.get(number.checked_sub(1)?)?;
        Some((event.channel, record))
    })
}

/// The events of exactly this range; `None` when the records are anything else, so that the log is asked.
fn read_range(
    channel: Channel,
    after: Position,
    through: Offset,
    records: Vec<Vec<u8>>,
) -> Option<Vec<Event>> {
    let expected = (after.offset + 1)..=through;
    let events: Vec<Event> = records
        .into_iter()
        .map(|record| Event::from_record(channel, &record).ok())
        .collect::<Option<_>>()?;
    let offsets = events.iter().map(|event| {
        let position = event.position?;
        (position.epoch == after.epoch).then_some(position.offset)
    });
    offsets.eq(expected.map(Some)).then_some(events)
}
