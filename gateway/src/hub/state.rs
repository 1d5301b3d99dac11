//! A shard's connections and what they hear. Nothing here waits: what takes time is left as a [`Task`].

use std::{collections::HashMap, mem, rc::Rc, sync::Arc, time::Duration};

use shared::{
    clock::Clock,
    wire::{Channel, CloseReason, Command, Offset, Position},
};
use slab::Slab;
use tokio::{net::TcpStream, time::Instant};

use super::{
    connection::{Closing, Connection},
    wheel::Wheel,
};
use crate::{
    codec::{Encoded, Frame},
    metrics::GatewayMetrics,
    session::{Effect, Now, Path, Room, Session, Settings, Who},
    transport::ws::{self, Written},
};

/// A connection's name on its shard; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    /// As the subscriber hands it back.
    pub(super) fn to_token(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    pub(super) fn from_token(token: u64) -> Self {
        Self {
            index: token as u32,
            generation: (token >> 32) as u32,
        }
    }
}

/// What takes time.
pub(super) enum Task {
    /// Ask the subscriber; in this order.
    Join {
        key: Key,
        channel: Channel,
        since: Option<Position>,
    },
    Leave(Channel),
    Read {
        key: Key,
        channel: Channel,
        after: Position,
        through: Offset,
    },
    Run {
        key: Key,
        who: Who,
        command: Command,
    },
    /// Read the socket.
    Listen(Key, Rc<TcpStream>),
    /// Wait until the socket takes more.
    AwaitRoom(Key, Rc<TcpStream>),
    /// Say goodbye to everybody within this time.
    Drain(Duration),
}

/// What a shard goes by.
pub(super) struct Conditions {
    pub(super) settings: Arc<Settings>,
    /// Bound of each connection's queue.
    pub(super) queue: Room,
    pub(super) frame_bytes_max: usize,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<GatewayMetrics>,
}

struct Entry {
    generation: u32,
    connection: Connection,
}

/// How long a close may take until both sides have said goodbye, in milliseconds.
const GOODBYE_MS_MAX: u64 = 5000;
/// Length of a slot of the wheel, in milliseconds.
pub(super) const TICK_MS: u64 = 500;

pub(super) struct State {
    pub(super) conditions: Conditions,
    entries: Slab<Entry>,
    generation: u32,
    /// Who hears a channel, or waits to. Everybody hears [`Channel::Broadcast`], so it is not listed.
    members: HashMap<Channel, Vec<Key>>,
    /// Those with something to write.
    dirty: Vec<Key>,
    /// Kept for its memory: whom the event in hand is for.
    pub(super) audience: Vec<Key>,
    wheel: Wheel,
    tasks: Vec<Task>,
    pub(super) draining: bool,
    started: Instant,
    now: Now,
}

impl State {
    pub(super) fn new(conditions: Conditions) -> Self {
        let now = Now {
            elapsed_ms: 0,
            unix_seconds: conditions.clock.now_seconds(),
        };
        Self {
            conditions,
            entries: Slab::new(),
            generation: 0,
            members: HashMap::new(),
            dirty: Vec::new(),
            audience: Vec::new(),
            wheel: Wheel::new(TICK_MS),
            tasks: Vec::new(),
            draining: false,
            started: Instant::now(),
            now,
        }
    }

    /// Looks at the clocks, once for everything that is done together.
    pub(super) fn look_at_the_clock(&mut self) {
        let elapsed_ms = self.started.elapsed().as_millis();
        self.now = Now {
            elapsed_ms: u64::try_from(elapsed_ms).unwrap_or(u64::MAX),
            unix_seconds: self.conditions.clock.now_seconds(),
        };
    }

    pub(super) fn take_tasks(&mut self) -> Vec<Task> {
        mem::take(&mut self.tasks)
    }

    pub(super) fn add_task(&mut self, task: Task) {
        self.tasks.push(task);
    }

    pub(super) fn get(&mut self, key: Key) -> Option<&mut Connection> {
        let entry = self.entries.get_mut(key.index as usize)?;
        (entry.generation == key.generation).then_some(&mut entry.connection)
    }

    /// Everybody who hears the channel or waits to, put into `audience`.
    pub(super) fn hearers(&self, channel: Channel, audience: &mut Vec<Key>) {
        if channel == Channel::Broadcast {
            audience.extend(self.keys());
        } else if let Some(members) = self.members.get(&channel) {
            audience.extend_from_slice(members);
        }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.entries.iter().map(|(index, entry)| Key {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            generation: entry.generation,
        })
    }

    /// Takes a connection in; `open` makes its session.
    pub(super) fn add(&mut self, build: impl FnOnce(Now, &mut Vec<Effect>) -> Connection) -> Key {
        let mut effects = Vec::new();
        let connection = build(self.now, &mut effects);
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let index = self.entries.insert(Entry {
            generation,
            connection,
        });
        let key = Key {
            index: u32::try_from(index).expect("fewer connections than descriptors"),
            generation,
        };
        self.wheel.file(key, self.now.elapsed_ms + TICK_MS);
        self.perform(key, &mut effects);
        key
    }

    /// Gives a connection's session an input, and does what comes of it.
    pub(super) fn input(
        &mut self,
        key: Key,
        input: impl FnOnce(&mut Session, Now, &mut Vec<Effect>),
    ) {
        let now = self.now;
        let Some(connection) = self.get(key) else {
            return;
        };
        let mut effects = Vec::new();
        input(&mut connection.session, now, &mut effects);
        self.perform(key, &mut effects);
    }

    fn perform(&mut self, key: Key, effects: &mut Vec<Effect>) {
        for effect in effects.drain(..) {
            let open = self.get(key).is_some_and(|c| c.closing.is_none());
            if !open {
                return;
            }
            match effect {
                Effect::Join { channel, since } => self.join(key, channel, since),
                Effect::Read {
                    channel,
                    after,
                    through,
                } => self.tasks.push(Task::Read {
                    key,
                    channel,
                    after,
                    through,
                }),
                Effect::Run(command) => self.run(key, command),
                Effect::Listen => self.listen(key),
                Effect::Close(reason, retry_after_ms) => self.close(key, reason, retry_after_ms),
                Effect::Deliver(encoded, path) => self.deliver(key, &encoded, path),
                // A ping is no sign of life for the application, so it puts no heartbeat off.
                Effect::Ping => self.answer(key, &Frame::ping()),
                Effect::Send(frame) => {
                    let now = self.now;
                    if let Some(connection) = self.get(key) {
                        connection.session.on_sent(now);
                    }
                    self.answer(key, &frame);
                }
            }
        }
    }

    /// Queues an answer of the transport itself, unless the connection is closing.
    pub(super) fn answer(&mut self, key: Key, frame: &Frame) {
        let (bound, metrics) = (self.conditions.queue, Arc::clone(&self.conditions.metrics));
        let now_ms = self.conditions.clock.now_ms();
        let Some(connection) = self.get(key).filter(|c| c.closing.is_none()) else {
            return;
        };
        match connection.send(frame, bound, now_ms, &metrics) {
            Ok(()) => self.mark_dirty(key),
            Err(reason) => self.close(key, reason, None),
        }
    }

    /// Queues an event; closes a connection that is too slow for it.
    fn deliver(&mut self, key: Key, encoded: &Encoded, path: Path) {
        let (now, now_ms) = (self.now, self.conditions.clock.now_ms());
        let (bound, metrics) = (self.conditions.queue, Arc::clone(&self.conditions.metrics));
        let Some(connection) = self.get(key) else {
            return;
        };
        connection.session.on_sent(now);
        match connection.deliver(encoded, path, bound, now_ms, &metrics) {
            Ok(()) => self.mark_dirty(key),
            Err(reason) => self.close(key, reason, None),
        }
    }

    pub(super) fn mark_dirty(&mut self, key: Key) {
        let Some(connection) = self.get(key) else {
            return;
        };
        if !mem::replace(&mut connection.dirty, true) {
            self.dirty.push(key);
        }
    }

    fn join(&mut self, key: Key, channel: Channel, since: Option<Position>) {
        if channel != Channel::Broadcast {
            self.members.entry(channel).or_default().push(key);
        }
        self.tasks.push(Task::Join {
            key,
            channel,
            since,
        });
    }

    fn run(&mut self, key: Key, command: Command) {
        if let Some(who) = self
            .get(key)
            .and_then(|connection| connection.session.who())
        {
            self.tasks.push(Task::Run { key, who, command });
        }
    }

    fn listen(&mut self, key: Key) {
        if let Some(connection) = self.get(key)
            && connection.reader.is_none()
        {
            let stream = Rc::clone(&connection.stream);
            self.tasks.push(Task::Listen(key, stream));
        }
    }

    /// Says goodbye; what was queued before goes first, unless the client was too slow for just that.
    pub(super) fn close(&mut self, key: Key, reason: CloseReason, retry_after_ms: Option<u64>) {
        let frame = Frame::close(reason, retry_after_ms);
        self.begin_closing(key, reason, false, &frame);
        // To hear the answer. What else comes has no effect.
        self.listen(key);
    }

    /// The client said goodbye.
    pub(super) fn on_close_frame(&mut self, key: Key, code: Option<u16>) {
        let Some(connection) = self.get(key) else {
            return;
        };
        match &mut connection.closing {
            Some(closing) => {
                closing.answered = true;
                self.mark_dirty(key);
            }
            None => self.begin_closing(key, CloseReason::Normal, true, &Frame::close_echo(code)),
        }
    }

    fn begin_closing(&mut self, key: Key, reason: CloseReason, answered: bool, frame: &Frame) {
        let until_ms = self.now.elapsed_ms + GOODBYE_MS_MAX;
        let Some(connection) = self.get(key).filter(|c| c.closing.is_none()) else {
            return;
        };
        let instead = reason == CloseReason::SlowConsumer;
        connection.queue.push_last(frame.bytes().clone(), instead);
        connection.closing = Some(Closing { answered, until_ms });
        self.conditions.metrics.closed(Some(reason));
        self.leave_all(key);
        if let Some(connection) = self.get(key) {
            connection.session = Session::Over;
        }
        self.wheel.file(key, until_ms);
        self.mark_dirty(key);
    }

    fn leave_all(&mut self, key: Key) {
        let Some(who) = self
            .get(key)
            .and_then(|connection| connection.session.who())
        else {
            return;
        };
        let channel = Channel::User(who.user_id);
        let Some(members) = self.members.get_mut(&channel) else {
            return;
        };
        members.retain(|member| *member != key);
        if members.is_empty() {
            self.members.remove(&channel);
            self.tasks.push(Task::Leave(channel));
        }
    }

    /// Forgets a connection; its socket closes with it.
    pub(super) fn remove(&mut self, key: Key) {
        if self.get(key).is_none() {
            return;
        }
        self.leave_all(key);
        let entry = self.entries.remove(key.index as usize);
        if entry.connection.closing.is_none() {
            self.conditions.metrics.closed(None);
        }
    }

    /// Writes to everybody who has something to be written.
    pub(super) fn flush(&mut self) {
        let mut dirty = mem::take(&mut self.dirty);
        for key in dirty.drain(..) {
            self.flush_one(key);
        }
        debug_assert!(self.dirty.is_empty(), "flushing makes nobody dirty");
        self.dirty = dirty;
    }

    fn flush_one(&mut self, key: Key) {
        let now_ms = self.conditions.clock.now_ms();
        let (bound, metrics) = (self.conditions.queue, Arc::clone(&self.conditions.metrics));
        loop {
            let Some(connection) = self.get(key) else {
                return;
            };
            let written = match &connection.writer {
                // Somebody waits for the socket already.
                Some(_) => break,
                None => connection.write(now_ms, &metrics),
            };
            match written {
                Written::Broken => return self.remove(key),
                Written::Blocked => {
                    let stream = Rc::clone(&connection.stream);
                    self.tasks.push(Task::AwaitRoom(key, stream));
                    break;
                }
                Written::Everything => {}
            }
            match connection.closing {
                Some(closing) if closing.answered => return self.remove(key),
                Some(_) => {
                    ws::end(&connection.stream);
                    break;
                }
                None => {}
            }
            let mut effects = Vec::new();
            let room = connection.queue.room(bound);
            connection.session.on_room(room, &mut effects);
            if effects.is_empty() {
                break;
            }
            self.perform(key, &mut effects);
        }
        if let Some(connection) = self.get(key) {
            connection.dirty = false;
        }
    }

    /// Looks at those whose time has come.
    pub(super) fn tick(&mut self) {
        while let Some(keys) = self.wheel.take(self.now.elapsed_ms) {
            for key in keys {
                self.visit(key);
            }
        }
    }

    fn visit(&mut self, key: Key) {
        let now = self.now;
        let Some(connection) = self.get(key) else {
            return;
        };
        let next_at_ms = match connection.closing {
            Some(closing) if now.elapsed_ms >= closing.until_ms => return self.remove(key),
            Some(closing) => closing.until_ms,
            None => {
                let mut effects = Vec::new();
                let next_at_ms = connection.session.on_tick(now, &mut effects);
                self.perform(key, &mut effects);
                next_at_ms
            }
        };
        self.wheel.file(key, next_at_ms);
    }
}
