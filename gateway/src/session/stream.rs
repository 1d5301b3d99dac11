//! One channel as one connection hears it: no hole, no repeat, what was missed before what is new.

use std::{collections::VecDeque, sync::Arc};

use shared::{
    bus::HistoryError,
    wire::{Channel, Event, Offset, Position},
};

use crate::codec::Encoded;

/// How much may wait for a connection, in its queue or before it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Room {
    pub(crate) frames: usize,
    pub(crate) bytes: usize,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// Send it now.
    Now,
    /// It waits behind what was missed.
    Held,
    /// The stream is past it.
    Repeat,
    /// More is held than may be: the connection is too slow.
    Overflow,
    /// Something before it is missing, which the subscriber rules out.
    Hole,
}

/// Events that wait.
#[derive(Debug, Default)]
struct Backlog {
    /// The history has not been read yet.
    reading: bool,
    /// These go first.
    missed: Waiting,
    /// What came meanwhile; only this grows by itself.
    held: Waiting,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Arc<Encoded>>,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) channel: Channel,
    /// The last durable event that went in; `None` before the channel was joined, and for channels without a log.
    position: Option<Position>,
    /// The top that the client was last told of.
    told: Offset,
    /// What the client has said that it has, or had before it was sent anything.
    acknowledged: Offset,
    backlog: Option<Box<Backlog>>,
}

impl Stream {
    pub(super) fn new(channel: Channel) -> Self {
        Self {
            channel,
            position: None,
            told: 0,
            acknowledged: 0,
            backlog: None,
        }
    }

    pub(super) fn position(&self) -> Option<Position> {
        self.position
    }

    /// Whether it has no start yet, or its history is being read: an answer is still to come.
    pub(super) fn is_opening(&self) -> bool {
        self.position.is_none() || self.backlog.as_ref().is_some_and(|backlog| backlog.reading)
    }

    /// The stream starts here; everything waits until it is told to flow.
    pub(super) fn start(&mut self, position: Option<Position>) {
        self.position = position;
        self.told = position.map_or(0, |position| position.offset);
        self.acknowledged = self.told;
        self.hold();
    }

    /// Holds what comes.
    pub(super) fn hold(&mut self) {
        self.backlog.get_or_insert_default();
    }

    /// Holds what comes until the history was read.
    pub(super) fn await_history(&mut self) {
        self.backlog.get_or_insert_default().reading = true;
    }

    /// The history was read, or cannot be: these events come before what is held.
    pub(super) fn history(&mut self, events: Vec<Arc<Encoded>>) {
        if let Some(first) = events.first().and_then(|first| first.event.offset()) {
            self.acknowledged = self.acknowledged.min(first.saturating_sub(1));
        }
        let backlog = self.backlog.get_or_insert_default();
        backlog.reading = false;
        for event in events {
            backlog.missed.push(event);
        }
    }

    /// The position before the first event that waits.
    pub(super) fn first_waiting(&self) -> Option<Position> {
        let first = self.backlog.as_ref()?.first()?.event.position?;
        Some(Position {
            offset: first.offset - 1,
            ..first
        })
    }

    /// The client has everything up to here. Returns the offset that counts, and how many more than before these are; nothing
    /// where that is nothing new, or was never sent.
    pub(super) fn acknowledge(&mut self, through: Offset) -> Option<(Offset, u64)> {
        let through = through.min(self.position?.offset);
        let count = through
            .checked_sub(self.acknowledged)
            .filter(|more| *more > 0)?;
        self.acknowledged = through;
        Some((through, count))
    }

    /// Starts anew behind events that are lost.
    pub(super) fn skip_to(&mut self, position: Position) {
        self.position = Some(position);
    }

    /// Whether events wait.
    pub(super) fn is_behind(&self) -> bool {
        self.backlog.is_some()
    }

    /// Takes a durable event of this channel that is the next, with nothing waiting before it. False: it was not taken.
    pub(super) fn lets_through(&mut self, event: &Event) -> bool {
        let (Some(position), Some(next)) = (&mut self.position, event.position) else {
            return false;
        };
        let follows = next.epoch == position.epoch && next.offset == position.offset + 1;
        if follows && self.backlog.is_none() {
            *position = next;
            return true;
        }
        false
    }

    /// A durable event of this channel.
    fn take(&mut self, encoded: &Arc<Encoded>) -> Taken {
        let (Some(position), Some(next)) = (&mut self.position, encoded.event.position) else {
            return Taken::Repeat;
        };
        if next.epoch != position.epoch || next.offset > position.offset + 1 {
            return Taken::Hole;
        }
        if next.offset <= position.offset {
            return Taken::Repeat;
        }
        *position = next;
        match &mut self.backlog {
            None => Taken::Now,
            Some(backlog) => {
                backlog.held.push(Arc::clone(encoded));
                Taken::Held
            }
        }
    }

    /// The next waiting event; the stream is live when there is none.
    pub(super) fn next_waiting(&mut self) -> Option<Arc<Encoded>> {
        let backlog = self.backlog.as_mut().filter(|backlog| !backlog.reading)?;
        let event = backlog.missed.pop().or_else(|| backlog.held.pop());
        if backlog.first().is_none() {
            self.backlog = None;
        }
        event
    }

    /// The top, if it moved since the client was last told of it.
    pub(super) fn tell_top(&mut self) -> Option<Offset> {
        let top = self.position?.offset;
        if top <= self.told || self.is_behind() {
            return None;
        }
        self.told = top;
        Some(top)
    }
}

impl Backlog {
    fn first(&self) -> Option<&Arc<Encoded>> {
        let missed = self.missed.events.front();
        missed.or_else(|| self.held.events.front())
    }
}

impl Waiting {
    fn push(&mut self, encoded: Arc<Encoded>) {
        self.bytes += encoded.weight();
        self.events.push_back(encoded);
    }

    fn pop(&mut self) -> Option<Arc<Encoded>> {
        let encoded = self.events.pop_front()?;
        self.bytes -= encoded.weight();
        Some(encoded)
    }
}

/// A durable event for the stream of its channel, if there is one. What comes while something is read is bounded for all
/// streams of a connection together.
pub(super) fn take(streams: &mut [Stream], encoded: &Arc<Encoded>, bound: Room) -> Option<Taken> {
    let channel = encoded.event.channel;
    let stream = streams.iter_mut().find(|s| s.channel == channel)?;
    let taken = stream.take(encoded);
    if taken != Taken::Held {
        return Some(taken);
    }
    let mut held = Room::default();
    for backlog in backlogs(streams) {
        held.frames += backlog.held.events.len();
        held.bytes += backlog.held.bytes;
    }
    let overflows = held.frames > bound.frames || held.bytes > bound.bytes;
    Some(if overflows { Taken::Overflow } else { taken })
}

/// What was read for one of a connection's streams, if it fits with what was read for the others and waits.
pub(super) fn admit(
    streams: &[Stream],
    outcome: Result<Vec<Arc<Encoded>>, HistoryError>,
    bytes_max: usize,
) -> Result<Vec<Arc<Encoded>>, HistoryError> {
    let events = outcome?;
    let waiting: usize = backlogs(streams).map(|backlog| backlog.missed.bytes).sum();
    let read: usize = events.iter().map(|encoded| encoded.weight()).sum();
    if waiting + read > bytes_max {
        return Err(HistoryError::TooFar);
    }
    Ok(events)
}

fn backlogs(streams: &[Stream]) -> impl Iterator<Item = &Backlog> {
    streams
        .iter()
        .filter_map(|stream| stream.backlog.as_deref())
}
