//! What a client missed: from the tail in Redis, else from the log.

use std::sync::Arc;

use super::{Bus, LogReader};
use crate::wire::{Channel, Event, Offset, Position};

/// Why history cannot bridge a gap. The first three become the `reason` of `recovered: false`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// The position belongs to another life of the log.
    #[error("epoch_changed")]
    EpochChanged,
    /// More events were missed than a replay may bring.
    #[error("too_far")]
    TooFar,
    /// The log no longer holds what was missed.
    #[error("expired")]
    Expired,
    /// Neither Redis nor the log could be asked.
    #[error("history is unavailable: {0}")]
    Unavailable(String),
}

/// Reads ranges of channels.
#[derive(Clone)]
pub struct History {
    bus: Bus,
    log: Arc<dyn LogReader>,
}

#[expect(clippy::unused_async, reason = "skeleton")]
impl History {
    /// Reads the tail through `bus`, else `log`.
    pub fn new(bus: Bus, log: Arc<dyn LogReader>) -> Self {
        Self { bus, log }
    }

    /// Every event after `after` up to and including `through`, in order, all or nothing.
    pub async fn range(
        &self,
        _channel: Channel,
        _after: Position,
        _through: Offset,
    ) -> Result<Vec<Arc<Event>>, HistoryError> {
        let _unused = (&self.bus, &self.log);
        Err(HistoryError::Unavailable("skeleton".into()))
    }
}
