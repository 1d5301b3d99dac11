//! What a program asks of Redis outside its subscription.

use std::time::Duration;

use crate::{
    config::RedisSettings,
    wire::{Channel, Event, Offset, Position},
};

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
    _private: (),
}

#[expect(clippy::unused_async, reason = "skeleton")]
impl Bus {
    /// A handle that connects when first used, so that a program starts while Redis is away.
    pub fn new(_settings: &RedisSettings) -> Result<Self, BusError> {
        Ok(Self { _private: () })
    }

    /// Appends durable events to their channels' tails at exactly their offsets, and publishes them, in one pipeline.
    /// Events of one channel must stand in the order of their offsets.
    pub async fn append(&self, _events: &[Event]) -> Result<Vec<Appended>, BusError> {
        Err(BusError::Unavailable("skeleton".into()))
    }

    /// Publishes ephemeral events: whoever listens now hears them.
    pub async fn publish(&self, _events: &[Event]) -> Result<(), BusError> {
        Err(BusError::Unavailable("skeleton".into()))
    }

    /// Where the channels' tails end; `None` where Redis knows nothing, which is not the same as "no events".
    pub async fn heads(&self, _channels: &[Channel]) -> Result<Vec<Option<Position>>, BusError> {
        Err(BusError::Unavailable("skeleton".into()))
    }

    /// The events after `after` up to and including `through`.
    pub async fn tail(
        &self,
        _channel: Channel,
        _after: Position,
        _through: Offset,
    ) -> Result<Tail, BusError> {
        Err(BusError::Unavailable("skeleton".into()))
    }

    /// Fills an empty tail from the log, unless something newer is there already. `events` end at `head`, without holes.
    pub async fn warm(
        &self,
        _channel: Channel,
        _head: Position,
        _events: &[Event],
    ) -> Result<(), BusError> {
        Err(BusError::Unavailable("skeleton".into()))
    }

    /// Sets marks that last for `lifetime`.
    pub async fn set_marks(&self, _names: &[String], _lifetime: Duration) -> Result<(), BusError> {
        Err(BusError::Unavailable("skeleton".into()))
    }

    /// Which of the marks are set.
    pub async fn marks(&self, _names: &[String]) -> Result<Vec<bool>, BusError> {
        Err(BusError::Unavailable("skeleton".into()))
    }

    /// Claims a name for `lifetime`: true for the first who asks, false for everybody after.
    pub async fn claim(&self, _name: &str, _lifetime: Duration) -> Result<bool, BusError> {
        Err(BusError::Unavailable("skeleton".into()))
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), BusError> {
        Err(BusError::Unavailable("skeleton".into()))
    }
}
