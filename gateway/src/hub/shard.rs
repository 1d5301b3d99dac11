//! A shard: one thread, one runtime, its connections' tasks. This is where tasks of connections are born.

use std::{
    cell::RefCell,
    io,
    ops::ControlFlow,
    rc::Rc,
    sync::{Arc, mpsc::sync_channel},
    thread,
    time::Duration,
};

use rand::seq::SliceRandom;
use shared::{
    bus::{HistoryError, Join, ListenerId},
    ids::UserId,
    membership::MembershipsUnknown,
    wire::{Channel, Code, Command, Event, Offset, Position, Problem},
};
use tokio::{
    net::TcpStream,
    runtime::{Builder, LocalOptions},
    task::spawn_local,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    connection::{Connection, Owned},
    entries::Key,
    inbox::{Arrival, Inbox, Message},
    requests::{Request, Requests},
    state::{Conditions, State, TICK_MS, Task},
};
use crate::{
    codec::Encoded,
    commands,
    node::Node,
    session::{Answer, Session, Who},
    transport::ws::{self, Limits, Parser, Scratch},
};

/// Messages that are worked off before their bytes go out.
const BURST_MAX: usize = 512;
const SCRATCH_BYTES: usize = 64 * 1024;
/// Between two goodbyes of a drain, so that few connections do not take the whole window.
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// A drained client comes back after a random time up to this.
const AWAY_MS_MAX: u64 = 2000;

/// Starts a shard's thread; it ends after [`Message::Stop`].
pub(crate) fn start(node: Arc<Node>, inbox: Inbox) -> io::Result<thread::JoinHandle<()>> {
    let name = format!("shard-{}", inbox.listener.0);
    let (tell, told) = sync_channel(1);
    let thread = thread::Builder::new().name(name).spawn(move || {
        // Built here, because it cannot leave its thread.
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default());
        let (runtime, outcome) = match runtime {
            Ok(runtime) => (Some(runtime), Ok(())),
            Err(error) => (None, Err(error)),
        };
        if tell.send(outcome).is_ok()
            && let Some(runtime) = runtime
        {
            runtime.block_on(run(node, inbox));
        }
    })?;
    told.recv().map_err(io::Error::other)??;
    Ok(thread)
}

/// A shard, shared by the tasks of its thread.
struct Shard {
    node: Arc<Node>,
    state: RefCell<State>,
    scratch: Scratch,
    requests: Requests,
    listener: ListenerId,
}

async fn run(node: Arc<Node>, mut inbox: Inbox) {
    let conditions = Conditions {
        settings: Arc::clone(&node.session_settings),
        queue: node.config.limits.queue,
        frame_bytes_max: node.config.limits.frame_bytes_max,
        clock: node.clock.clone(),
        metrics: Arc::clone(&node.metrics),
    };
    let shard = Rc::new(Shard {
        state: RefCell::new(State::new(conditions)),
        scratch: Rc::new(RefCell::new(vec![0; SCRATCH_BYTES].into())),
        requests: Requests::default(),
        listener: inbox.listener,
        node,
    });
    spawn_local(ask_subscriber(Rc::clone(&shard)));
    let mut ticks = interval(Duration::from_millis(TICK_MS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut burst = Vec::with_capacity(BURST_MAX);
    loop {
        // Both can be cancelled without loss.
        tokio::select! {
            count = inbox.receive(&mut burst, BURST_MAX) => {
                if count == 0 || shard.work_off(&mut burst).is_break() {
                    return;
                }
            }
            _ = ticks.tick() => shard.enter(State::tick),
        }
        if let Some(missed) = inbox.take_missed() {
            shard.enter(|state| state.on_missed(missed));
        }
    }
}

impl Shard {
    /// Everything that happens to the state happens in here: clocks are read before, sockets written and tasks started
    /// after, once for all that was done together.
    fn enter<T>(self: &Rc<Self>, act: impl FnOnce(&mut State) -> T) -> T {
        let (result, tasks) = {
            let mut state = self.state.borrow_mut();
            state.look_at_the_clock();
            let result = act(&mut state);
            state.flush();
            (result, state.take_tasks())
        };
        for task in tasks {
            self.begin(task);
        }
        result
    }

    fn work_off(self: &Rc<Self>, burst: &mut Vec<Message>) -> ControlFlow<()> {
        self.enter(|state| {
            for message in burst.drain(..) {
                match message {
                    Message::Stop => return ControlFlow::Break(()),
                    Message::Arrived(arrival) => arrive(state, *arrival),
                    other => state.on_message(other),
                }
            }
            ControlFlow::Continue(())
        })
    }

    fn begin(self: &Rc<Self>, task: Task) {
        let shard = Rc::clone(self);
        match task {
            Task::Join {
                key,
                channel,
                since,
            } => self.requests.join(Join {
                channel,
                listener: self.listener,
                token: key.to_token(),
                since,
            }),
            Task::Leave(channel) => self.requests.leave(channel),
            Task::ReadMemberships { key, user, since } => {
                drop(spawn_local(shard.read_memberships(key, user, since)));
            }
            Task::Read {
                key,
                channel,
                after,
                through,
            } => drop(spawn_local(shard.read(key, channel, after, through))),
            Task::Run { key, who, command } => drop(spawn_local(shard.run(key, who, command))),
            Task::Listen(key, stream) => self.listen(key, stream),
            Task::AwaitRoom(key, stream) => self.await_room(key, stream),
            Task::Drain(window) => drop(spawn_local(shard.drain(window))),
        }
    }
}

impl Shard {
    async fn read(self: Rc<Self>, key: Key, channel: Channel, after: Position, through: Offset) {
        let history = self.node.history.clone();
        let read = self.node.main.spawn(async move {
            let events = history.range(channel, after, through).await?;
            events.into_iter().map(encode).collect()
        });
        let outcome = match read.await {
            Ok(outcome) => outcome,
            Err(error) => Err(HistoryError::Unavailable(error.to_string())),
        };
        self.enter(|state| {
            state.input(key, |session, now, effects| {
                session.on_history(channel, outcome, now, effects);
            });
        });
    }

    async fn read_memberships(self: Rc<Self>, key: Key, user: UserId, since: Position) {
        let mirror = self.node.memberships.clone();
        let read = self
            .node
            .main
            .spawn(async move { mirror.read(user, since).await });
        let outcome = match read.await {
            Ok(outcome) => outcome,
            Err(error) => Err(MembershipsUnknown(error.to_string())),
        };
        self.enter(|state| {
            state.input(key, |session, now, effects| {
                session.on_memberships(outcome, now, effects);
            });
        });
    }

    async fn run(self: Rc<Self>, key: Key, who: Who, command: Command) {
        let reference = command.reference.clone();
        let node = Arc::clone(&self.node);
        let ran = self.node.main.spawn(commands::run(node, who, command));
        let answer = ran.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a command did not end");
            Answer::Problem(Problem::new(Code::Internal, "The outcome is not known"))
        });
        self.enter(|state| {
            state.input(key, |session, _, effects| {
                session.on_answer(reference.as_ref(), answer, effects);
            });
        });
    }

    fn listen(self: &Rc<Self>, key: Key, stream: Rc<TcpStream>) {
        let mut unread = Vec::new();
        if let Some(connection) = self.state.borrow_mut().get(key) {
            unread = std::mem::take(&mut connection.unread);
        }
        let shard = Rc::clone(self);
        let task = spawn_local(async move {
            let hear = |bytes: &mut [u8]| shard.enter(|state| state.on_bytes(key, bytes));
            if unread.is_empty() || hear(&mut unread).is_continue() {
                drop(unread);
                ws::read(&stream, &shard.scratch, hear).await;
            }
            shard.enter(|state| state.remove(key));
        });
        if let Some(connection) = self.state.borrow_mut().get(key) {
            connection.reader = Some(Owned(task.abort_handle()));
        }
    }

    fn await_room(self: &Rc<Self>, key: Key, stream: Rc<TcpStream>) {
        let shard = Rc::clone(self);
        let task = spawn_local(async move {
            let usable = stream.writable().await.is_ok();
            shard.enter(|state| {
                if let Some(connection) = state.get(key) {
                    connection.writer = None;
                }
                if usable {
                    state.mark_dirty(key);
                } else {
                    state.remove(key);
                }
            });
        });
        if let Some(connection) = self.state.borrow_mut().get(key) {
            connection.writer = Some(Owned(task.abort_handle()));
        }
    }

    /// Sends everybody away in a random order, evenly over the window.
    async fn drain(self: Rc<Self>, window: Duration) {
        let mut keys: Vec<Key> = self.state.borrow().keys().collect();
        keys.shuffle(&mut rand::rng());
        let steps = u32::try_from(keys.len().max(1)).unwrap_or(u32::MAX);
        let pause = (window / steps).min(PAUSE_MAX);
        for key in keys {
            self.enter(|state| state.send_away(key, rand::random_range(0..AWAY_MS_MAX)));
            sleep(pause).await;
        }
    }
}

fn arrive(state: &mut State, arrival: Arrival) {
    let Arrival {
        stream,
        unread,
        window,
        introduction,
        line,
        guards,
    } = arrival;
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::warn!(%error, "a connection cannot be registered with its shard");
            return;
        }
    };
    let parser = Parser::new(Limits {
        message_bytes_max: state.conditions.frame_bytes_max,
        compressed: window.is_some(),
    });
    let settings = Arc::clone(&state.conditions.settings);
    let key = state.add(|now, effects| {
        let session = Session::open(introduction, settings, now, effects);
        Connection::new(session, stream, (parser, window), unread, line, guards)
    });
    if state.draining {
        state.send_away(key, rand::random_range(0..AWAY_MS_MAX));
    }
}

fn encode(event: Arc<Event>) -> Result<Arc<Encoded>, HistoryError> {
    let encoded = Encoded::new(event);
    encoded
        .map(Arc::new)
        .map_err(|error| HistoryError::Unavailable(error.to_string()))
}

/// Passes joins and leaves on to the subscriber, in the order in which they were asked for.
async fn ask_subscriber(shard: Rc<Shard>) {
    loop {
        let asked = match shard.requests.next().await {
            Request::Join(join) => shard.node.subscriber.join(join).await,
            Request::Leave(channel) => {
                let subscriber = &shard.node.subscriber;
                subscriber.leave(channel, shard.listener).await
            }
        };
        if let Err(error) = asked {
            tracing::error!(%error, "nothing can be heard any more");
            return;
        }
    }
}
