//! Statements on the log. Long ones stand beside this file.

use bytes::Bytes;
use shared::{
    ids::EventId,
    telemetry::trace::TraceContext,
    wire::{Channel, Class, Epoch, Event, Offset, Position},
};

use crate::app::db::{FromRow, InvalidRow, Row};

pub(super) const APPEND: &str = include_str!("append.sql");
pub(super) const HEADS: &str = include_str!("heads.sql");
pub(super) const STATE: &str = include_str!("state.sql");
pub(super) const READ: &str = include_str!("read.sql");
pub(super) const AUDIT: &str = include_str!("audit.sql");
pub(super) const OUTBOX: &str = include_str!("outbox.sql");
pub(super) const MOVE_CURSOR: &str = include_str!("move_cursor.sql");
pub(super) const START_EPOCH: &str = include_str!("start_epoch.sql");
pub(super) const CURSOR: &str = "select snapshot::text from relay_cursor";
pub(super) const FIND_EVENT: &str = "
    with found as materialized (
        select channel, \"offset\", kind, committed_at_ms
        from event_log
        where event_id = $1
        limit $2
    )
    select channel, \"offset\", kind, committed_at_ms, bits
    from found cross join log_epoch
    order by channel";
pub(super) const FIND_IN_CHANNEL: &str = "
    select channel, \"offset\", kind, committed_at_ms, bits
    from event_log cross join log_epoch
    where channel = $2 and event_id = $1";
/// About how many rows a partition has, as the database last looked.
pub(super) const COUNT_ROWS: &str = "
    select greatest(reltuples, 0)::bigint from pg_class where oid = $1::text::regclass";
pub(super) const DRAW_ID: &str = "select nextval('event_ids')";
pub(super) const SNAPSHOT: &str = "select pg_current_snapshot()::text";
pub(super) const CREATE_PARTITIONS: &str = "
    select create_event_log_partition((now() at time zone 'utc')::date + ahead)::text
    from generate_series(0, 7) as ahead";
/// Partitions whose youngest row may be older than the retention of a day (SPEC §1). By the database's clock, which is the
/// one that put the rows there.
pub(super) const EXPIRED_PARTITIONS: &str = "
    select child.relname::text as name
    from pg_inherits join pg_class as child on child.oid = inhrelid
    where inhparent = 'event_log'::regclass
      and child.relname ~ '^event_log_[0-9]{8}$'
      and to_date(right(child.relname, 8), 'YYYYMMDD') + 2 <= (now() at time zone 'utc')
    order by 1";

/// Every statement, for the test that prepares them.
pub const STATEMENTS: &[&str] = &[
    APPEND,
    HEADS,
    STATE,
    READ,
    AUDIT,
    OUTBOX,
    MOVE_CURSOR,
    START_EPOCH,
    CURSOR,
    DRAW_ID,
    FIND_EVENT,
    FIND_IN_CHANNEL,
    COUNT_ROWS,
    SNAPSHOT,
    CREATE_PARTITIONS,
    EXPIRED_PARTITIONS,
];

/// Where an event was put.
pub(super) struct Numbered {
    /// Which event of the statement's, from 1.
    pub(super) number: i64,
    pub(super) channel: Channel,
    pub(super) position: Position,
    pub(super) event_id: EventId,
    pub(super) trace: Option<TraceContext>,
}

impl FromRow for Numbered {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            number: row.get("number")?,
            channel: channel(row, "channel")?,
            position: position(row, "offset")?,
            event_id: row.get("event_id")?,
            trace: trace(row)?,
        })
    }
}

/// Where a channel's log ends.
pub(super) struct Head(pub(super) Position);

impl FromRow for Head {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        position(row, "head").map(Self)
    }
}

/// Where a channel's log ends, and where it begins.
pub(super) struct State {
    pub(super) head: Position,
    pub(super) first: Offset,
}

impl FromRow for State {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            head: position(row, "head")?,
            first: offset(row, "first")?,
        })
    }
}

/// An event as the log keeps it: all but the channel, which the reader knows.
pub(super) struct Entry {
    position: Position,
    event_id: EventId,
    kind: String,
    control: bool,
    committed_at_ms: i64,
    trace: Option<TraceContext>,
    body: Vec<u8>,
}

impl FromRow for Entry {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            position: position(row, "offset")?,
            event_id: row.get("event_id")?,
            kind: row.get("kind")?,
            control: row.get("control")?,
            committed_at_ms: row.get("committed_at_ms")?,
            trace: trace(row)?,
            body: row.get("body")?,
        })
    }
}

impl Entry {
    pub(super) fn into_event(self, channel: Channel) -> Event {
        Event {
            channel,
            position: Some(self.position),
            id: self.event_id,
            class: Class::Durable,
            control: self.control,
            kind: self.kind.into(),
            key: None,
            committed_at_ms: self.committed_at_ms,
            trace: self.trace,
            body: Bytes::from(self.body),
        }
    }
}

/// An event's place in one of its channels.
#[derive(Debug)]
pub struct Logged {
    /// The channel.
    pub channel: Channel,
    /// Where in it.
    pub position: Position,
    /// The event type.
    pub kind: String,
    /// When it was committed, in milliseconds since the Unix epoch.
    pub committed_at_ms: i64,
}

impl FromRow for Logged {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            channel: channel(row, "channel")?,
            position: position(row, "offset")?,
            kind: row.get("kind")?,
            committed_at_ms: row.get("committed_at_ms")?,
        })
    }
}

/// What a channel got between two snapshots.
pub(super) struct Growth {
    pub(super) channel: Channel,
    pub(super) first: Position,
    pub(super) last: Offset,
}

impl FromRow for Growth {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            channel: channel(row, "channel")?,
            first: position(row, "first")?,
            last: offset(row, "last")?,
        })
    }
}

/// What the relay has not seen published yet.
pub(super) struct Outbox {
    pub(super) depth: i64,
    pub(super) oldest_committed_at_ms: Option<i64>,
}

impl FromRow for Outbox {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            depth: row.get("depth")?,
            oldest_committed_at_ms: row.get("oldest_committed_at_ms")?,
        })
    }
}

fn channel(row: &Row<'_>, name: &str) -> Result<Channel, InvalidRow> {
    let text: String = row.get(name)?;
    text.parse().map_err(|_| impossible(name))
}

fn trace(row: &Row<'_>) -> Result<Option<TraceContext>, InvalidRow> {
    let text: Option<String> = row.get("trace")?;
    Ok(text.and_then(|text| text.parse().ok()))
}

fn offset(row: &Row<'_>, name: &str) -> Result<Offset, InvalidRow> {
    let offset: i64 = row.get(name)?;
    Offset::try_from(offset).map_err(|_| impossible(name))
}

/// Every statement that answers an offset answers the epoch's `bits` with it.
fn position(row: &Row<'_>, name: &str) -> Result<Position, InvalidRow> {
    let bits: i64 = row.get("bits")?;
    Ok(Position {
        epoch: Epoch::from_bits(bits.cast_unsigned()),
        offset: offset(row, name)?,
    })
}

fn impossible(name: &str) -> InvalidRow {
    InvalidRow::Value {
        column: name.to_owned(),
    }
}
