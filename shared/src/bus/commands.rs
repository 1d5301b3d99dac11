//! What a program asks of Redis outside its subscription.

use std::{sync::Arc, time::Duration};

use redis::{Cmd, FromRedisValue, Pipeline};

use super::{
    connections::{Connections, Failure, Repeat},
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
    fn from_code(code: Option<u8>) -> Self {
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
    names: Names,
}

impl Bus {
    /// A handle that connects when first used, so that a program starts while Redis is away.
    pub fn new(settings: &RedisSettings) -> Result<Self, BusError> {
        Ok(Self {
            connections: Arc::new(Connections::new(settings)?),
            names: Names::new(&settings.prefix),
        })
    }

    /// Shows what is counted of commands among `metrics`, once for each set of them. For all clones.
    pub fn measure(&self, metrics: &Metrics) {
        self.connections.metrics().register(metrics);
    }

    pub(super) fn metrics(&self) -> &CommandMetrics {
        self.connections.metrics()
    }

    /// Appends durable events to their channels' tails at exactly their offsets, and publishes them, in one pipeline.
    /// Events of one channel must stand in the order of their offsets. An event without a position is refused.
    pub async fn append(&self, events: &[Event]) -> Result<Vec<Appended>, BusError> {
        let mut outcomes = Vec::with_capacity(events.len());
        for batch in events.chunks(PIPELINE_COMMANDS_MAX) {
            let commands = batch.iter().filter_map(|event| {
                let position = event.position?;
                Some(scripts::append(&self.names, event, position))
            });
            let mut codes = self.call::<u8>(commands).await?.into_iter();
            outcomes.extend(batch.iter().map(|event| {
                let code = event.position.and_then(|_| codes.next());
                Appended::from_code(code)
            }));
        }
        Ok(outcomes)
    }

    /// Publishes ephemeral events: whoever listens now hears them.
    pub async fn publish(&self, events: &[Event]) -> Result<(), BusError> {
        for batch in events.chunks(PIPELINE_COMMANDS_MAX) {
            let mut pipeline = Pipeline::with_capacity(batch.len());
            for event in batch {
                let stream = self.names.stream(event.channel);
                pipeline
                    .cmd("PUBLISH")
                    .arg(stream)
                    .arg(&event.to_record()[..])
                    .ignore();
            }
            self.query::<()>(&pipeline).await?;
        }
        Ok(())
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
        let command = scripts::warm(&self.names, channel, head, events);
        self.call::<u8>([command]).await.map(drop)
    }

    /// [`Bus::warm`] without events for many channels, in few round trips.
    pub(super) async fn warm_heads(&self, heads: &[(Channel, Position)]) -> Result<(), BusError> {
        for batch in heads.chunks(PIPELINE_COMMANDS_MAX) {
            let commands = batch
                .iter()
                .map(|(channel, head)| scripts::warm(&self.names, *channel, *head, &[]));
            self.call::<u8>(commands).await?;
        }
        Ok(())
    }

    /// Sets marks that last for `lifetime`.
    pub async fn set_marks(&self, names: &[String], lifetime: Duration) -> Result<(), BusError> {
        let lifetime_ms = scripts::milliseconds(lifetime);
        for batch in names.chunks(PIPELINE_COMMANDS_MAX) {
            let mut pipeline = Pipeline::with_capacity(batch.len());
            for name in batch {
                let command = pipeline.cmd("SET").arg(self.names.mark(name)).arg(1);
                command.arg("PX").arg(lifetime_ms).ignore();
            }
            self.query::<()>(&pipeline).await?;
        }
        Ok(())
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

    /// Takes a token from a bucket of this rate; where there is none, the time until there is one.
    pub(crate) async fn take_token(
        &self,
        bucket: &str,
        rate: Rate,
    ) -> Result<Option<Duration>, BusError> {
        // Repeated after a broken connection it may take two, which a limit can bear.
        let waits = self
            .call::<u64>([scripts::take(&self.names, bucket, rate)])
            .await?;
        let wait_us = waits.first().copied().unwrap_or_default();
        Ok((wait_us > 0).then(|| Duration::from_micros(wait_us)))
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), BusError> {
        self.query::<()>(Pipeline::new().cmd("PING").ignore()).await
    }

    /// Sends a word to a subscriber's private Pub/Sub channel.
    pub(super) async fn probe(&self, stream: &str) -> Result<(), BusError> {
        self.query::<()>(Pipeline::new().cmd("PUBLISH").arg(stream).arg("").ignore())
            .await
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    pub(super) async fn query<T: FromRedisValue>(
        &self,
        pipeline: &Pipeline,
    ) -> Result<T, BusError> {
        let answer = self.connections.query(pipeline, Repeat::Harmless).await;
        answer.map_err(BusError::from)
    }

    /// Calls scripts, loading them when the server does not know them.
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
        match self.connections.query(&pipeline, Repeat::Harmless).await {
            Err(Failure::ScriptMissing) => {
                self.query::<()>(&scripts::load()).await?;
                self.query(&pipeline).await
            }
            answer => answer.map_err(BusError::from),
        }
    }
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
        .map(|record| Event::from_record(channel, &record.into()).ok())
        .collect::<Option<_>>()?;
    let offsets = events.iter().map(|event| {
        let position = event.position?;
        (position.epoch == after.epoch).then_some(position.offset)
    });
    offsets.eq(expected.map(Some)).then_some(events)
}
