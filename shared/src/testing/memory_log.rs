//! A log of events in memory: what a [`LogReader`] reads when there is no PostgreSQL.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};

use crate::{
    bus::{LogError, LogFuture, LogPage, LogReader},
    ids::EventId,
    wire::{Channel, Class, Epoch, Event, Offset, Position},
};

/// Numbers events and remembers them; clones are the same log.
#[derive(Debug, Clone)]
pub struct MemoryLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    available: AtomicBool,
    reads: AtomicU64,
    heads: AtomicU64,
    /// Written to while answers are held back.
    hold: Arc<RwLock<()>>,
}

#[derive(Debug)]
struct State {
    epoch: Epoch,
    channels: HashMap<Channel, Kept>,
}

/// A channel's events; those up to `dropped` are gone.
#[derive(Debug, Default)]
struct Kept {
    dropped: Offset,
    events: Vec<Event>,
}

impl Kept {
    fn head(&self) -> Offset {
        self.dropped + self.events.len() as u64
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State {
                epoch: Epoch::random(),
                channels: HashMap::new(),
            }),
            available: AtomicBool::new(true),
            reads: AtomicU64::new(0),
            heads: AtomicU64::new(0),
            hold: Arc::default(),
        }))
    }
}

impl MemoryLog {
    /// Appends an event at the channel's next offset, and returns it: what a commit does.
    pub fn commit(&self, channel: Channel) -> Event {
        let mut state = self.state();
        let epoch = state.epoch;
        let kept = state.channels.entry(channel).or_default();
        let position = Position {
            epoch,
            offset: kept.head() + 1,
        };
        let event = event(channel, Some(position));
        kept.events.push(event.clone());
        event
    }

    /// [`MemoryLog::commit`], `count` times.
    pub fn commit_many(&self, channel: Channel, count: usize) -> Vec<Event> {
        (0..count).map(|_| self.commit(channel)).collect()
    }

    /// Where the channel's log ends.
    pub fn head(&self, channel: Channel) -> Position {
        let state = self.state();
        Position {
            epoch: state.epoch,
            offset: state.channels.get(&channel).map_or(0, Kept::head),
        }
    }

    /// Drops the events up to and including `through`, as the end of their retention does.
    pub fn expire(&self, channel: Channel, through: Offset) {
        let mut state = self.state();
        let kept = state.channels.entry(channel).or_default();
        let through = through.min(kept.head());
        let gone = through.saturating_sub(kept.dropped);
        kept.events
            .drain(..usize::try_from(gone).expect("they are in memory"));
        kept.dropped += gone;
    }

    /// Begins another life of the log, as after a restore: every channel's last `lost` events never were.
    pub fn restore(&self, lost: usize) {
        let mut state = self.state();
        state.epoch = Epoch::random();
        let epoch = state.epoch;
        for kept in state.channels.values_mut() {
            let left = kept.events.len().saturating_sub(lost);
            kept.events.truncate(left);
            for event in &mut kept.events {
                event.position = event.position.map(|at| Position { epoch, ..at });
            }
        }
    }

    /// Whether it can be read.
    pub fn set_available(&self, available: bool) {
        self.0.available.store(available, Ordering::SeqCst);
    }

    /// Holds every answer back until the guard is dropped.
    pub async fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.0.hold).write_owned().await
    }

    /// How many pages were read so far.
    pub fn reads(&self) -> u64 {
        self.0.reads.load(Ordering::SeqCst)
    }

    /// How many channels' heads were asked for so far.
    pub fn heads_asked(&self) -> u64 {
        self.0.heads.load(Ordering::SeqCst)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("nobody panics with the lock")
    }

    async fn respond<T>(&self, answer: impl FnOnce(&State) -> T) -> Result<T, LogError> {
        let _go = self.0.hold.read().await;
        if !self.0.available.load(Ordering::SeqCst) {
            return Err(LogError("switched off".into()));
        }
        Ok(answer(&self.state()))
    }
}

impl LogReader for MemoryLog {
    fn heads(&self, channels: Vec<Channel>) -> LogFuture<'_, Vec<Position>> {
        self.0
            .heads
            .fetch_add(channels.len() as u64, Ordering::SeqCst);
        Box::pin(self.respond(move |state| {
            let head = |channel| Position {
                epoch: state.epoch,
                offset: state.channels.get(channel).map_or(0, Kept::head),
            };
            channels.iter().map(head).collect()
        }))
    }

    fn read(&self, channel: Channel, after: Offset, count_max: usize) -> LogFuture<'_, LogPage> {
        self.0.reads.fetch_add(1, Ordering::SeqCst);
        Box::pin(self.respond(move |state| page(state, channel, after, count_max)))
    }
}

fn page(state: &State, channel: Channel, after: Offset, count_max: usize) -> LogPage {
    let nothing = Kept::default();
    let kept = state.channels.get(&channel).unwrap_or(&nothing);
    let skipped = usize::try_from(after.saturating_sub(kept.dropped)).unwrap_or(usize::MAX);
    let is_cut_off = after < kept.dropped;
    let events = kept.events.iter().skip(skipped).take(count_max);
    LogPage {
        head: Position {
            epoch: state.epoch,
            offset: kept.head(),
        },
        events: events.filter(|_| !is_cut_off).cloned().collect(),
        first: kept.dropped + 1,
    }
}

/// An event without meaning; its body tells its offset.
pub fn event(channel: Channel, position: Option<Position>) -> Event {
    let offset = position.map_or(0, |position| position.offset);
    Event {
        channel,
        position,
        id: EventId::ephemeral(),
        class: if position.is_some() {
            Class::Durable
        } else {
            Class::Chatter
        },
        control: false,
        kind: "test".into(),
        key: None,
        committed_at_ms: 0,
        trace: None,
        body: Bytes::from(format!(r#"{{"timestamp":0,"data":{{"offset":{offset}}}}}"#)),
    }
}
