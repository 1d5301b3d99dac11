//! What a client missed: from the tail in Redis, else from the log.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{
    Bus, LogPage, LogReader, Tail,
    flights::{Flights, Range},
    scripts::TAIL_EVENTS_MAX,
};
use crate::wire::{Channel, Event, Offset, Position};

/// The most events of one range.
pub(super) const RANGE_EVENTS_MAX: usize = TAIL_EVENTS_MAX;
/// The most bytes of one range's bodies: far above what a range of ordinary events has, low enough to hold many.
const RANGE_BYTES_MAX: usize = 8 << 20;
/// The longest wait for a page of the log, and for one's turn to read it.
const LOG_WAIT_MAX: Duration = Duration::from_secs(5);

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

/// Reads ranges of channels. Clones share what is being read.
#[derive(Clone)]
pub struct History {
    bus: Bus,
    log: Arc<dyn LogReader>,
    flights: Arc<Flights>,
}

impl History {
    /// Reads the tail through `bus`, else `log`.
    pub fn new(bus: Bus, log: Arc<dyn LogReader>) -> Self {
        Self {
            bus,
            log,
            flights: Arc::default(),
        }
    }

    /// Every event after `after` up to and including `through`, in order, all or nothing: at most 512 events and 8 MiB.
    ///
    /// However many ask at once, the log is read by one of them at a time for each channel, and those who waited take
    /// what it found, or what it brought back into the tail.
    pub async fn range(
        &self,
        channel: Channel,
        after: Position,
        through: Offset,
    ) -> Result<Vec<Arc<Event>>, HistoryError> {
        let count = through.saturating_sub(after.offset);
        if count == 0 {
            return Ok(Vec::new());
        }
        if count > RANGE_EVENTS_MAX as u64 {
            return Err(HistoryError::TooFar);
        }
        let range = Range { after, through };
        match self.read_tail(channel, range).await {
            Some(events) => within_bytes(events),
            None => self.read_in_turn(channel, range).await,
        }
    }

    pub(super) fn log(&self) -> &Arc<dyn LogReader> {
        &self.log
    }

    /// How many read the channel's log now, or wait for their turn.
    #[cfg(test)]
    pub(super) fn readers(&self, channel: Channel) -> usize {
        self.flights.aboard(channel)
    }

    async fn read_tail(&self, channel: Channel, range: Range) -> Option<Vec<Arc<Event>>> {
        match self.bus.tail(channel, range.after, range.through).await {
            Ok(Tail::Complete(events)) => Some(events.into_iter().map(Arc::new).collect()),
            Ok(Tail::TooShort) => None,
            Err(error) => {
                tracing::debug!(%channel, %error, "the tail could not be read; asking the log");
                None
            }
        }
    }

    async fn read_in_turn(
        &self,
        channel: Channel,
        range: Range,
    ) -> Result<Vec<Arc<Event>>, HistoryError> {
        let flight = self.flights.board(channel);
        let turn = timeout(LOG_WAIT_MAX, flight.turn()).await;
        let mut turn = turn.map_err(|_| unavailable(&"others are still reading it"))?;
        if let Some(events) = turn.found(range) {
            return Ok(events);
        }
        if turn.is_after_others()
            && let Some(events) = self.read_tail(channel, range).await
        {
            return within_bytes(events);
        }
        let events = self.read_log(channel, range).await?;
        turn.keep(&events);
        Ok(events)
    }

    async fn read_log(
        &self,
        channel: Channel,
        range: Range,
    ) -> Result<Vec<Arc<Event>>, HistoryError> {
        let mut events: Vec<Arc<Event>> = Vec::new();
        let mut at = range.after.offset;
        while at < range.through {
            let count = usize::try_from(range.through - at).unwrap_or(RANGE_EVENTS_MAX);
            let page = timeout(LOG_WAIT_MAX, self.log.read(channel, at, count)).await;
            let page = page
                .map_err(|_| unavailable(&"the log does not answer"))?
                .map_err(|error| unavailable(&error))?;
            let wanted = check_page(
                page,
                Position {
                    offset: at,
                    ..range.after
                },
                range.through,
            )?;
            at += wanted.len() as u64;
            events.extend(wanted.into_iter().map(Arc::new));
            events = within_bytes(events)?;
        }
        Ok(events)
    }
}

/// The page's events up to `through`, if they are the ones that follow `after`; at least one.
fn check_page(page: LogPage, after: Position, through: Offset) -> Result<Vec<Event>, HistoryError> {
    if page.head.epoch != after.epoch || page.head.offset < through {
        return Err(HistoryError::EpochChanged);
    }
    if page.first > after.offset + 1 {
        return Err(HistoryError::Expired);
    }
    let mut events = page.events;
    events.truncate(usize::try_from(through - after.offset).unwrap_or(usize::MAX));
    let follows = events
        .iter()
        .zip(after.offset + 1..)
        .all(|(event, offset)| event.position == Some(Position { offset, ..after }));
    if events.is_empty() || !follows {
        return Err(unavailable(
            &"the log gave other events than it was asked for",
        ));
    }
    Ok(events)
}

fn within_bytes(events: Vec<Arc<Event>>) -> Result<Vec<Arc<Event>>, HistoryError> {
    let bytes: usize = events.iter().map(|event| event.body.len()).sum();
    if bytes > RANGE_BYTES_MAX {
        return Err(HistoryError::TooFar);
    }
    Ok(events)
}

fn unavailable(reason: &dyn std::fmt::Display) -> HistoryError {
    HistoryError::Unavailable(reason.to_string())
}
