//! The log as the bus sees it: whoever can read PostgreSQL, or ask somebody who can.

use std::{future::Future, pin::Pin};

use crate::wire::{Channel, Event, Offset, Position};

/// The log could not be read now. Not the same as an empty log.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the event log is unavailable: {0}")]
pub struct LogError(pub String);

/// Some events of a channel, and where its log ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// Where the channel's log ended when the page was read.
    pub head: Position,
    /// The events right after the offset that was asked for, in order and without holes; fewer than asked for when they
    /// would be too many bytes. Empty at the head, and where the log was cut off ([`LogPage::first`]).
    pub events: Vec<Event>,
    /// The oldest offset that the log still holds; `head + 1` when it holds nothing.
    pub first: Offset,
}

/// What a [`LogReader`] gives back.
pub type LogFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, LogError>> + Send + 'a>>;

/// Reads the durable log. A gateway's asks `api` over HTTP; `api`'s own reads PostgreSQL.
pub trait LogReader: Send + Sync + 'static {
    /// Where the channels' logs end, in the order asked. A channel without events is at offset 0.
    fn heads(&self, channels: Vec<Channel>) -> LogFuture<'_, Vec<Position>>;

    /// At most `count_max` events after `after`.
    fn read(&self, channel: Channel, after: Offset, count_max: usize) -> LogFuture<'_, LogPage>;
}
