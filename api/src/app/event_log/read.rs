//! The read side: for gateways whose Redis does not reach back far enough.

use shared::{
    bus::{Bus, LogError, LogFuture, LogPage, LogReader},
    wire::{Channel, Event, Offset, Position},
};

use super::queries::{self, Entry, Head, State};
use crate::app::{App, db::Database, error::Error};

/// Events of a page at most.
pub(super) const PAGE_EVENTS_MAX: usize = 512;
/// Bytes of the bodies of a page at most, unless a single one is larger.
const PAGE_BYTES_MAX: i64 = 1 << 20;

/// Reads the durable log from PostgreSQL, and warms the tail in Redis with what it found.
#[derive(Clone)]
pub struct EventLog {
    database: Database,
    bus: Bus,
}

impl EventLog {
    /// A reader on the app's stores.
    pub fn new(app: &App) -> Self {
        Self {
            database: app.database().clone(),
            bus: app.bus().clone(),
        }
    }

    /// Where the channels' logs end, in the order asked. A channel without events is at offset 0.
    pub async fn heads(&self, channels: &[Channel]) -> Result<Vec<Position>, Error> {
        let names: Vec<String> = channels.iter().map(Channel::to_string).collect();
        let connection = self.database.connection().await?;
        let heads: Vec<Head> = connection.query(queries::HEADS, &[&names]).await?;
        Ok(heads.into_iter().map(|head| head.0).collect())
    }

    /// The events right after `after`: `count_max` at most (512 whatever is asked), a mebibyte at most, in order and
    /// without holes.
    pub async fn read(
        &self,
        channel: Channel,
        after: Offset,
        count_max: usize,
    ) -> Result<LogPage, Error> {
        let page = self
            .read_through(channel, after, Offset::MAX, count_max)
            .await?;
        let reaches_the_head = page.events.last().and_then(Event::offset) == Some(page.head.offset);
        if reaches_the_head || after == page.head.offset {
            self.warm(channel, page.head, &page.events).await;
        }
        Ok(page)
    }

    /// As [`EventLog::read`], up to and including `through`, without warming.
    pub(super) async fn read_through(
        &self,
        channel: Channel,
        after: Offset,
        through: Offset,
        count_max: usize,
    ) -> Result<LogPage, Error> {
        let name = channel.to_string();
        let connection = self.database.connection().await?;
        let state: State = connection.query_one(queries::STATE, &[&name]).await?;
        // The head was read first: events of later commits are not of this page.
        let through = through.min(state.head.offset);
        let count_max = i64::try_from(count_max.min(PAGE_EVENTS_MAX)).unwrap_or(0);
        let (after, through) = (database_offset(after), database_offset(through));
        let entries: Vec<Entry> = connection
            .query(
                queries::READ,
                &[&name, &after, &through, &count_max, &PAGE_BYTES_MAX],
            )
            .await?;
        let events = entries.into_iter().map(|entry| entry.into_event(channel));
        Ok(LogPage {
            head: state.head,
            first: state.first,
            events: without_holes(after.unsigned_abs(), events),
        })
    }

    /// Best effort: a cold tail costs the next reader a question, nothing more.
    async fn warm(&self, channel: Channel, head: Position, events: &[Event]) {
        if let Err(error) = self.bus.warm(channel, head, events).await {
            tracing::debug!(%error, %channel, "tail not warmed");
        }
    }
}

/// What follows `after` directly: nothing where the retention has cut it off.
fn without_holes(after: Offset, events: impl Iterator<Item = Event>) -> Vec<Event> {
    events
        .zip(after + 1..)
        .take_while(|(event, expected)| event.offset() == Some(*expected))
        .map(|(event, _)| event)
        .collect()
}

/// Offsets are `bigint` in the database; one beyond that is beyond every head.
fn database_offset(offset: Offset) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX - 1)
}

impl LogReader for EventLog {
    fn heads(&self, channels: Vec<Channel>) -> LogFuture<'_, Vec<Position>> {
        Box::pin(async move {
            let heads = Self::heads(self, &channels).await;
            heads.map_err(|error| LogError(error.to_string()))
        })
    }

    fn read(&self, channel: Channel, after: Offset, count_max: usize) -> LogFuture<'_, LogPage> {
        Box::pin(async move {
            let page = Self::read(self, channel, after, count_max).await;
            page.map_err(|error| LogError(error.to_string()))
        })
    }
}
