//! The doors of the shards: bounded queues, and what happens when one is full.

use std::{
    collections::HashSet,
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use shared::{
    bus::{Joined, ListenerId, Listeners},
    ids::UserId,
    wire::{Channel, Position},
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::{
    codec::Encoded, metrics::ConnectionGuard, roster::Line, session::Introduction,
    transport::Outlet,
};

/// Messages that may wait for a shard.
const INBOX_MAX: usize = 16_384;
/// Shards that a set of listeners can name, beside the node itself.
const SHARDS_MAX: usize = ListenerId::MAX.0 as usize;

/// A connection whose handshake is done, on its way to its shard.
pub(crate) struct Arrival {
    /// Taken off one runtime, to be registered with another.
    pub(crate) stream: std::net::TcpStream,
    /// What the client sent before it was asked.
    pub(crate) unread: Vec<u8>,
    pub(crate) outlet: Outlet,
    pub(crate) introduction: Introduction,
    /// Held until it closes.
    pub(crate) line: Line,
    /// Held until the connection is gone.
    pub(crate) guards: (OwnedSemaphorePermit, ConnectionGuard),
}

/// What a shard is told.
pub(crate) enum Message {
    Arrived(Box<Arrival>),
    Joined(Joined),
    Event(Arc<Encoded>),
    Lost(Channel, Position),
    /// Ephemeral events of this channel were missed.
    Interrupted(Channel),
    /// Send everybody away over this time, and whoever still comes.
    Drain(Duration),
    /// Send so many away over this time.
    Shed(usize, Duration),
    Stop,
}

/// What a shard missed because its inbox was full.
#[derive(Debug, Default)]
pub(super) struct Missed {
    /// Whoever hears one of these, or waits to, must be closed.
    pub(super) channels: HashSet<Channel>,
    /// The connections whose joins were answered in vain; bounded by them.
    pub(super) tokens: HashSet<u64>,
    /// Channels without a log on which word to gateways was missed.
    pub(super) words: HashSet<Channel>,
}

#[derive(Debug, Default)]
struct Losses {
    any: AtomicBool,
    missed: Mutex<Missed>,
}

#[derive(Debug, Clone)]
struct Door {
    sender: mpsc::Sender<Message>,
    losses: Arc<Losses>,
}

/// The receiving end, for the shard.
pub(crate) struct Inbox {
    pub(super) listener: ListenerId,
    messages: mpsc::Receiver<Message>,
    losses: Arc<Losses>,
}

/// All shards of the node.
#[derive(Debug, Clone)]
pub(crate) struct Hub {
    doors: Arc<[Door]>,
}

/// The shards have stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the shards have stopped")]
pub(crate) struct Stopped;

impl Hub {
    /// Doors and inboxes for so many shards: at least one, at most 63.
    pub(crate) fn new(shards: usize) -> (Self, Vec<Inbox>) {
        let (doors, inboxes): (Vec<_>, _) = (0..shards.clamp(1, SHARDS_MAX)).map(door).unzip();
        (
            Self {
                doors: doors.into(),
            },
            inboxes,
        )
    }

    /// Hands a connection to the shard of its user.
    pub(crate) async fn admit(&self, arrival: Arrival) -> Result<(), Stopped> {
        let door = &self.doors[self.shard_of(arrival.introduction.who.user_id)];
        let message = Message::Arrived(Box::new(arrival));
        door.sender.send(message).await.map_err(|_| Stopped)
    }

    /// Tells every shard.
    pub(crate) async fn tell_all(&self, message: impl Fn() -> Message) {
        for door in self.doors.iter() {
            // A shard that has stopped needs no telling.
            door.sender.send(message()).await.ok();
        }
    }

    /// Has all shards together send so many away over this time.
    pub(crate) async fn shed(&self, count: usize, window: Duration) {
        let each = count.div_ceil(self.doors.len());
        self.tell_all(|| Message::Shed(each, window)).await;
    }

    /// Hands an event to each of these shards. Never waits: a durable event that finds no room marks its channel as
    /// missed, and nothing more of the channel goes in until the shard has closed those who hear it. Returns how many
    /// shards missed it.
    pub(crate) fn offer(&self, listeners: Listeners, encoded: &Arc<Encoded>) -> u64 {
        let mut missed = 0;
        for door in self.chosen(listeners) {
            let channel = encoded.event.channel;
            let is_durable = encoded.event.position.is_some();
            if is_durable && door.losses.contains(channel) {
                missed += 1;
            } else if door
                .sender
                .try_send(Message::Event(Arc::clone(encoded)))
                .is_err()
            {
                missed += 1;
                if is_durable {
                    door.losses.add(|missed| missed.channels.insert(channel));
                } else if encoded.event.control {
                    door.losses.add(|missed| missed.words.insert(channel));
                }
            }
        }
        missed
    }

    /// Hands an event to the shard of one person. False where it found no room.
    pub(crate) fn tell(&self, user: UserId, encoded: Arc<Encoded>) -> bool {
        let door = &self.doors[self.shard_of(user)];
        door.sender.try_send(Message::Event(encoded)).is_ok()
    }

    /// Hands on the answer to a join; whose answer finds no room is closed.
    pub(crate) fn joined(&self, listener: ListenerId, joined: Joined) {
        let token = joined.token;
        if let Some(door) = self.doors.get(usize::from(listener.0))
            && door.sender.try_send(Message::Joined(joined)).is_err()
        {
            door.losses.add(|missed| missed.tokens.insert(token));
        }
    }

    /// Hands on word of a loss; if that is lost too, the listeners are closed all the same.
    pub(crate) fn lost(&self, listeners: Listeners, channel: Channel, position: Position) {
        for door in self.chosen(listeners) {
            if door
                .sender
                .try_send(Message::Lost(channel, position))
                .is_err()
            {
                door.losses.add(|missed| missed.channels.insert(channel));
            }
        }
    }

    /// Hands on word that ephemeral events were missed.
    pub(crate) fn interrupted(&self, listeners: Listeners, channel: Channel) {
        for door in self.chosen(listeners) {
            let word = Message::Interrupted(channel);
            if door.sender.try_send(word).is_err() {
                door.losses.add(|missed| missed.words.insert(channel));
            }
        }
    }

    fn chosen(&self, listeners: Listeners) -> impl Iterator<Item = &Door> {
        let doors = self.doors.iter().enumerate();
        doors
            .filter(move |(index, _)| listeners.0 >> index & 1 == 1)
            .map(|(_, door)| door)
    }

    /// All devices of a user live on one shard. Multiplied by the golden ratio, neighbouring ids do not share one.
    fn shard_of(&self, user: UserId) -> usize {
        let spread = user
            .get()
            .unsigned_abs()
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let shards = self.doors.len() as u128;
        usize::try_from((u128::from(spread) * shards) >> 64).unwrap_or(0)
    }
}

impl Inbox {
    /// Waits for messages and takes what is there, at most `limit`; 0 when no more can come. Safe to cancel.
    pub(crate) async fn receive(&mut self, into: &mut Vec<Message>, limit: usize) -> usize {
        self.messages.recv_many(into, limit).await
    }

    /// How many messages wait.
    pub(super) fn waiting(&self) -> usize {
        self.messages.len()
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// What was missed since the last call, if anything.
    pub(super) fn take_missed(&self) -> Option<Missed> {
        if !self.losses.any.load(Ordering::Acquire) {
            return None;
        }
        let mut missed = self.losses.lock();
        self.losses.any.store(false, Ordering::Release);
        Some(mem::take(&mut missed))
    }
}

impl Losses {
    fn contains(&self, channel: Channel) -> bool {
        self.any.load(Ordering::Acquire) && self.lock().channels.contains(&channel)
    }

    fn add(&self, add: impl FnOnce(&mut Missed) -> bool) {
        let mut missed = self.lock();
        add(&mut missed);
        self.any.store(true, Ordering::Release);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Missed> {
        // Nothing that can panic runs while it is held.
        self.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "at most 63")]
fn door(index: usize) -> (Door, Inbox) {
    let (sender, messages) = mpsc::channel(INBOX_MAX);
    let losses = Arc::<Losses>::default();
    let inbox = Inbox {
        listener: ListenerId(index as u8),
        messages,
        losses: Arc::clone(&losses),
    };
    (Door { sender, losses }, inbox)
}
