//! Numbering: the last statement of a transaction that has events.

use std::sync::Arc;

use bytes::Bytes;
use shared::{
    ids::EventId,
    telemetry::trace::{TraceContext, followed},
    wire::{Channel, Class, Event},
};

use super::queries::{APPEND, Numbered};
use crate::app::{db::Connection, error::Error};

/// A durable event that has no number yet.
pub(in crate::app) struct NewEvent {
    /// Each once.
    pub(in crate::app) channels: Vec<Channel>,
    pub(in crate::app) kind: Arc<str>,
    /// Drawn before by whoever has to know it before the commit.
    pub(in crate::app) id: Option<EventId>,
    pub(in crate::app) control: bool,
    pub(in crate::app) body: Bytes,
}

/// Gives every event the next offset of each of its channels and appends it to the log, in one round trip. Returns them
/// as they will be published, sorted by channel and offset.
pub(in crate::app) async fn append(
    connection: &Connection,
    events: &[NewEvent],
    (now_ms, trace): (i64, Option<TraceContext>),
) -> Result<Vec<Event>, Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let kinds: Vec<&str> = events.iter().map(|event| &*event.kind).collect();
    let ids: Vec<Option<i64>> = events.iter().map(|e| e.id.map(EventId::get)).collect();
    let controls: Vec<bool> = events.iter().map(|event| event.control).collect();
    let bodies: Vec<&[u8]> = events.iter().map(|event| &event.body[..]).collect();
    let (numbers, channels): (Vec<i64>, Vec<String>) = (1..)
        .zip(events)
        .flat_map(|(number, event)| event.channels.iter().map(move |c| (number, c.to_string())))
        .unzip();
    let numbered: Vec<Numbered> = connection
        .query(
            APPEND,
            &[
                &kinds,
                &controls,
                &bodies,
                &numbers,
                &channels,
                &now_ms,
                &ids,
                &traces(events, trace),
            ],
        )
        .await?;
    Ok(numbered
        .into_iter()
        .filter_map(|entry| published(events, &entry, now_ms))
        .collect())
}

/// Along which of its ways each event is followed, in the order of numbers and channels; nothing where that is not recorded.
fn traces(events: &[NewEvent], trace: Option<TraceContext>) -> Vec<Option<String>> {
    let Some(trace) = trace else {
        return Vec::new();
    };
    let trace = trace.to_string();
    let of_event = |event: &NewEvent| {
        let mut ways = vec![None; event.channels.len()];
        for way in followed(ways.len()) {
            ways[way] = Some(trace.clone());
        }
        ways
    };
    events.iter().flat_map(of_event).collect()
}

fn published(events: &[NewEvent], entry: &Numbered, now_ms: i64) -> Option<Event> {
    let event = events.get(usize::try_from(entry.number - 1).ok()?)?;
    Some(Event {
        channel: entry.channel,
        position: Some(entry.position),
        id: entry.event_id,
        class: Class::Durable,
        control: event.control,
        kind: Arc::clone(&event.kind),
        key: None,
        committed_at_ms: now_ms,
        trace: entry.trace,
        body: event.body.clone(),
    })
}
