//! A shard's connections and what they hear. Nothing here waits: what takes time is left as a [`Task`].

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::Arc,
    time::Duration,
};

use shared::{
    ids::{PostId, SessionId, UserId},
    wire::{Channel, Command, Offset, Position},
};
use smallvec::SmallVec;
use tokio::time::Instant;

use super::{
    conditions::Conditions,
    connection::Connection,
    entries::{Entries, Key},
    reading::Unread,
    sockets::Watch,
    wheel::Wheel,
};
use crate::{
    codec::{Deflater, Encoded},
    commands::Caller,
    handshake::SteppedOut,
    ledger::NOBODY,
    metrics::{Departure, HEARD},
    session::{Effect, Now, Path, Session},
    transport::ws::Inflater,
};

/// What takes time.
pub(super) enum Task {
    /// Ask the subscriber; in this order.
    Join {
        key: Key,
        channel: Channel,
        since: Option<Position>,
    },
    Leave(Channel),
    ReadMemberships {
        key: Key,
        user: UserId,
        since: Position,
    },
    Verify {
        key: Key,
        session: SessionId,
    },
    Read {
        key: Key,
        channel: Channel,
        after: Position,
        through: Offset,
    },
    Run {
        key: Key,
        caller: Caller,
        command: Command,
    },
    CheckRooms {
        key: Key,
        viewer: UserId,
        posts: Vec<PostId>,
        patience: Duration,
    },
    /// Wait whether it comes back into the namespace.
    StepOut(Box<SteppedOut>),
    /// Send these away over this time.
    SendAway(Vec<Key>, Duration, Departure),
}

/// Length of a slot of the wheel, in milliseconds.
pub(super) const TICK_MS: u64 = 500;
const SCRATCH_BYTES: usize = 64 * 1024;

pub(super) struct State {
    pub(super) conditions: Conditions,
    pub(super) watch: Watch,
    pub(super) connections: Entries,
    /// Who hears a channel, or waits to. Everybody hears [`Channel::Broadcast`], so it is not listed.
    pub(super) members: HashMap<Channel, SmallVec<[Key; 2]>>,
    /// Those with something to write.
    pub(super) dirty: Vec<Key>,
    /// Events that were queued since the last writing.
    pub(super) unwritten: usize,
    /// Those who may have said more than was read; each as often as it is told.
    pub(super) unread: VecDeque<Unread>,
    /// What all of them are read into, one after the other.
    pub(super) scratch: Box<[u8]>,
    pub(super) inflater: Inflater,
    pub(super) deflater: Deflater,
    /// Kept for its memory: whom the event in hand is for.
    pub(super) audience: Vec<Key>,
    pub(super) wheel: Wheel,
    tasks: Vec<Task>,
    /// Kept for its memory: what the session in hand wants.
    effects: Vec<Effect>,
    pub(super) draining: bool,
    /// This shard's part of the gauge.
    pub(super) sampled_bytes: i64,
    /// This shard's part of those, by kind.
    pub(super) sampled_subscriptions: [i64; HEARD.len()],
    /// Of the ledger, as of the last tick.
    pub(super) trace_rules: i64,
    started: Instant,
    pub(super) now: Now,
}

impl State {
    pub(super) fn new(conditions: Conditions, watch: Watch) -> Self {
        let now = Now {
            elapsed_ms: 0,
            unix_seconds: conditions.clock.now_seconds(),
        };
        Self {
            conditions,
            watch,
            connections: Entries::default(),
            members: HashMap::new(),
            dirty: Vec::new(),
            unwritten: 0,
            unread: VecDeque::new(),
            scratch: vec![0; SCRATCH_BYTES].into(),
            inflater: Inflater::default(),
            deflater: Deflater::default(),
            audience: Vec::new(),
            wheel: Wheel::new(TICK_MS),
            tasks: Vec::new(),
            effects: Vec::new(),
            draining: false,
            sampled_bytes: 0,
            sampled_subscriptions: [0; HEARD.len()],
            trace_rules: NOBODY,
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
        self.connections.get(key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.connections.keys()
    }

    /// Everybody who hears the channel or waits to, put into `audience`.
    pub(super) fn hearers(&self, channel: Channel, audience: &mut Vec<Key>) {
        if channel == Channel::Broadcast {
            audience.extend(self.keys());
        } else if let Some(members) = self.members.get(&channel) {
            audience.extend_from_slice(members);
        }
    }

    /// How many they are.
    pub(super) fn hearers_count(&self, channel: Channel) -> usize {
        match channel {
            Channel::Broadcast => self.connections.len(),
            _ => self.members.get(&channel).map_or(0, SmallVec::len),
        }
    }

    /// Takes a connection in; `build` makes its session.
    pub(super) fn add(&mut self, build: impl FnOnce(Now, &mut Vec<Effect>) -> Connection) -> Key {
        let mut effects = Vec::new();
        let connection = build(self.now, &mut effects);
        let key = self.connections.insert(connection);
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
        if let Some(connection) = self.connections.get(key) {
            connection.may_be_behind = true;
        }
        self.feed(key, input);
    }

    /// An event for a session. Whoever is behind stays so, and nobody falls behind by one that only goes through.
    pub(super) fn hear(&mut self, key: Key, encoded: &Arc<Encoded>) {
        let connection = self.connections.get(key);
        if connection.is_some_and(|c| c.closing.is_none() && c.session.lets_through(encoded)) {
            return self.deliver(key, encoded, Path::Live);
        }
        let hear = |session: &mut Session, _, effects: &mut Vec<Effect>| {
            session.on_event(encoded, effects);
        };
        match encoded.control {
            Some(_) => self.input(key, hear),
            None => self.feed(key, hear),
        }
    }

    fn feed(&mut self, key: Key, input: impl FnOnce(&mut Session, Now, &mut Vec<Effect>)) {
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        let mut effects = mem::take(&mut self.effects);
        input(&mut connection.session, self.now, &mut effects);
        self.perform(key, &mut effects);
        self.effects = effects;
    }

    /// Does what a session wants, up to its end.
    pub(super) fn perform(&mut self, key: Key, effects: &mut Vec<Effect>) {
        for effect in effects.drain(..) {
            let open = self.get(key).is_some_and(|c| c.closing.is_none());
            if !open {
                return;
            }
            match effect {
                Effect::Join { channel, since } => self.join(key, channel, since),
                Effect::Leave(channel) => self.leave(key, channel),
                Effect::ReadMemberships { since } => self.read_memberships(key, since),
                Effect::Verify => self.verify(key),
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
                Effect::CheckRooms { posts, patience_ms } => {
                    self.check_rooms(key, posts, Duration::from_millis(patience_ms));
                }
                Effect::Acknowledged {
                    channel,
                    through,
                    count,
                } => self.acknowledged(key, (channel, through), count),
                Effect::Did(name, result) => self.conditions.metrics.commands.done(name, result),
                Effect::Run(command) => self.run(key, command),
                Effect::Listen => self.listen(key),
                Effect::Close(reason, retry_after_ms) => self.close(key, reason, retry_after_ms),
                Effect::Deliver(encoded, path) => self.deliver(key, &encoded, path),
                // A ping is no sign of life for the application, so it puts no heartbeat off.
                Effect::Ping => self.ping(key),
                Effect::Heartbeat(tops) => self.heartbeat(key, &tops),
                Effect::Send(frame) => self.send(key, &frame),
                Effect::Welcome(frame, starts) => self.welcome(key, &frame, &starts),
                Effect::Moved(frame, channel, position) => {
                    self.send(key, &frame);
                    self.move_on(key, channel, position);
                }
            }
        }
    }

    /// The client was told that its stream goes on from there; not, if that found no room, and closed the connection.
    fn move_on(&mut self, key: Key, channel: Channel, position: Position) {
        let connection = self.connections.get(key);
        if let Some(connection) = connection.filter(|c| c.closing.is_none()) {
            connection.outlet.moved(channel, position);
        }
    }

    pub(super) fn mark_dirty(&mut self, key: Key) {
        if let Some(connection) = self.connections.get(key)
            && !mem::replace(&mut connection.dirty, true)
        {
            self.dirty.push(key);
        }
    }

    fn join(&mut self, key: Key, channel: Channel, since: Option<Position>) {
        if channel != Channel::Broadcast
            && let Some(connection) = self.connections.get(key)
        {
            connection.hears.push(channel);
            self.members.entry(channel).or_default().push(key);
        }
        self.tasks.push(Task::Join {
            key,
            channel,
            since,
        });
    }

    fn read_memberships(&mut self, key: Key, since: Position) {
        let connection = self.connections.get(key);
        if let Some(who) = connection.and_then(|connection| connection.session.who()) {
            let user = who.user_id;
            self.tasks.push(Task::ReadMemberships { key, user, since });
        }
    }

    fn verify(&mut self, key: Key) {
        let connection = self.connections.get(key);
        if let Some(who) = connection.and_then(|connection| connection.session.who()) {
            let session = who.session_id;
            self.tasks.push(Task::Verify { key, session });
        }
    }

    fn run(&mut self, key: Key, command: Command) {
        let connection = self.connections.get(key);
        let caller = connection.and_then(|connection| {
            let who = connection.session.who()?;
            let connection = connection.line.as_ref()?.connection().name;
            Some(Caller { who, connection })
        });
        if let Some(caller) = caller {
            self.tasks.push(Task::Run {
                key,
                caller,
                command,
            });
        }
    }

    fn check_rooms(&mut self, key: Key, posts: Vec<PostId>, patience: Duration) {
        let connection = self.connections.get(key);
        if let Some(who) = connection.and_then(|connection| connection.session.who()) {
            self.tasks.push(Task::CheckRooms {
                key,
                viewer: who.user_id,
                posts,
                patience,
            });
        }
    }
}
