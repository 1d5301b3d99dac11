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
    credentials::Standing,
    ids::{PostId, SessionId, UserId},
    membership::MembershipsUnknown,
    ticks,
    wire::{Channel, Code, Command, Event, Offset, Position, Problem},
};
use tokio::{
    runtime::{Builder, LocalOptions, LocalRuntime},
    sync::{Notify, Semaphore},
    task::spawn_local,
    time::{Instant, sleep_until},
};

use super::{
    conditions::Conditions,
    connection::Owned,
    entries::Key,
    inbox::{Inbox, Message},
    requests::{Request, Requests},
    sockets::{Sockets, Watch},
    state::{State, TICK_MS, Task},
};
use crate::{
    codec::Encoded,
    commands::{self, Caller},
    handshake,
    metrics::{Departure, ReplaySource},
    node::Node,
    session::{Answer, RoomsUnknown},
    standing,
};

/// Messages that are worked off before their bytes go out.
const BURST_MAX: usize = 512;
/// The same, of deliveries: a few hundredths of a second's work, for which the first must not wait. Many for one socket still go
/// out together.
const UNWRITTEN_MAX: usize = 65_536;
/// Between two who are sent away, so that few do not take the whole window.
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// After so many ticks the queues are looked at.
const TICKS_PER_SAMPLE: u32 = 20;

/// Histories that are read at once. What was read is in memory before its connection says whether it has room for it.
const READS_MAX: usize = 32;
/// Log-ins that are asked about at once: when Redis has lost much, all of a node's connections want to know.
const VERIFICATIONS_MAX: usize = 32;

/// Starts a shard's thread; it ends after [`Message::Stop`].
pub(crate) fn start(node: Arc<Node>, inbox: Inbox) -> io::Result<thread::JoinHandle<()>> {
    let name = format!("shard-{}", inbox.listener.0);
    let (tell, told) = sync_channel(1);
    let thread = thread::Builder::new().name(name).spawn(move || {
        // Built here, because they cannot leave their thread.
        let (built, outcome) = match build() {
            Ok(built) => (Some(built), Ok(())),
            Err(error) => (None, Err(error)),
        };
        if tell.send(outcome).is_ok()
            && let Some((runtime, sockets, watch)) = built
        {
            runtime.block_on(run(node, inbox, (sockets, watch)));
        }
    })?;
    told.recv().map_err(io::Error::other)??;
    Ok(thread)
}

fn build() -> io::Result<(LocalRuntime, Sockets, Watch)> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let sockets = {
        let _entered = runtime.enter();
        Sockets::new()?
    };
    let watch = sockets.watch()?;
    Ok((runtime, sockets, watch))
}

/// A shard, shared by the tasks of its thread.
struct Shard {
    node: Arc<Node>,
    state: RefCell<State>,
    /// Not everything was read that may be there.
    is_unread: Notify,
    requests: Requests,
    listener: ListenerId,
    reads: Semaphore,
    verifications: Semaphore,
}

async fn run(node: Arc<Node>, mut inbox: Inbox, (mut sockets, watch): (Sockets, Watch)) {
    let conditions = Conditions::of(&node);
    let shard = Rc::new(Shard {
        state: RefCell::new(State::new(conditions, watch)),
        is_unread: Notify::new(),
        requests: Requests::default(),
        listener: inbox.listener,
        reads: Semaphore::new(READS_MAX),
        verifications: Semaphore::new(VERIFICATIONS_MAX),
        node,
    });
    shard.node.metrics.inbox(inbox.listener.0, 0);
    spawn_local(ask_subscriber(Rc::clone(&shard)));
    let mut ticks = ticks::every(Duration::from_millis(TICK_MS));
    let mut burst = Vec::with_capacity(BURST_MAX);
    let mut ticks_until_sample = TICKS_PER_SAMPLE;
    loop {
        // All of them can be cancelled without loss.
        tokio::select! {
            ready = sockets.ready() => match ready {
                Ok(ready) => shard.enter(|state| ready.for_each(|ready| state.on_ready(ready))),
                Err(error) => {
                    tracing::error!(%error, "a shard's sockets cannot be heard any more");
                    return;
                }
            },
            () = shard.is_unread.notified() => shard.enter(|_| {}),
            count = inbox.receive(&mut burst, BURST_MAX) => {
                if count == 0 || shard.work_off(&mut burst).is_break() {
                    return;
                }
            }
            _ = ticks.tick() => {
                shard.enter(State::tick);
                ticks_until_sample -= 1;
                if ticks_until_sample == 0 {
                    ticks_until_sample = TICKS_PER_SAMPLE;
                    shard.state.borrow_mut().sample_queues();
                    shard.node.metrics.inbox(inbox.listener.0, inbox.waiting());
                }
            }
        }
        if let Some(missed) = inbox.take_missed() {
            shard.enter(|state| state.on_missed(missed));
        }
    }
}

impl Shard {
    /// Everything that happens to the state happens in here: clocks are read before, sockets read and written and tasks
    /// started after, once for all that was done together.
    fn enter<T>(self: &Rc<Self>, act: impl FnOnce(&mut State) -> T) -> T {
        let (result, tasks) = {
            let mut state = self.state.borrow_mut();
            state.look_at_the_clock();
            let result = act(&mut state);
            if state.read_on() {
                self.is_unread.notify_one();
            }
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
                    Message::Arrived(arrival) => state.arrive(*arrival),
                    other => state.on_message(other),
                }
                if state.unwritten >= UNWRITTEN_MAX {
                    state.flush();
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
            Task::Verify { key, session } => drop(spawn_local(shard.verify(key, session))),
            Task::Read {
                key,
                channel,
                after,
                through,
            } => drop(spawn_local(shard.read(key, channel, after, through))),
            Task::Run {
                key,
                caller,
                command,
            } => drop(spawn_local(shard.run(key, caller, command))),
            Task::CheckRooms {
                key,
                viewer,
                posts,
                patience,
            } => self.check_rooms(key, viewer, (posts, patience)),
            Task::StepOut(stepped) => {
                let node = Arc::clone(&self.node);
                // The handshake bounds it.
                drop(self.node.main.spawn(handshake::again(node, stepped)));
            }
            Task::SendAway(keys, window, departure) => {
                drop(spawn_local(shard.send_away(keys, window, departure)));
            }
        }
    }
}

impl Shard {
    async fn read(self: Rc<Self>, key: Key, channel: Channel, after: Position, through: Offset) {
        let heard_here = self.node.ring.range(channel, after, through);
        let (source, outcome, turn) = if let Some(events) = heard_here {
            (ReplaySource::Ring, Ok(events), None)
        } else {
            let turn = self.reads.acquire().await.ok();
            let read = self.read_history(channel, after, through).await;
            (ReplaySource::History, read, turn)
        };
        if let Ok(events) = &outcome {
            self.node.metrics.replayed(source, events.len());
        }
        self.enter(|state| {
            state.input(key, |session, now, effects| {
                session.on_history(channel, outcome, now, effects);
            });
        });
        drop(turn);
    }

    async fn read_history(
        &self,
        channel: Channel,
        after: Position,
        through: Offset,
    ) -> Result<Vec<Arc<Encoded>>, HistoryError> {
        let history = self.node.history.clone();
        let read = self.node.main.spawn(async move {
            let events = history.range(channel, after, through).await?;
            events.into_iter().map(encode).collect()
        });
        let outcome = read.await;
        outcome.unwrap_or_else(|error| Err(HistoryError::Unavailable(error.to_string())))
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

    async fn verify(self: Rc<Self>, key: Key, session: SessionId) {
        let turn = self.verifications.acquire().await.ok();
        let node = Arc::clone(&self.node);
        let asked = async move { standing::ask_again(&node, session).await };
        let standing = self.node.main.spawn(asked).await;
        drop(turn);
        self.enter(|state| {
            state.input(key, |session, now, effects| {
                session.on_standing(standing.unwrap_or(Standing::Unknown), now, effects);
            });
        });
    }

    async fn run(self: Rc<Self>, key: Key, caller: Caller, command: Command) {
        let reference = command.reference.clone();
        let node = Arc::clone(&self.node);
        let ran = self.node.main.spawn(commands::run(node, caller, command));
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

    /// The question before is not answered any more.
    fn check_rooms(
        self: &Rc<Self>,
        key: Key,
        viewer: UserId,
        (posts, patience): (Vec<PostId>, Duration),
    ) {
        let shard = Rc::clone(self);
        let checks = self.node.room_checks.clone();
        let check = async move { checks.check(viewer, posts, patience).await };
        let checking = self.node.main.spawn(check);
        let abandon = Owned(checking.abort_handle());
        let task = spawn_local(async move {
            let outcome = checking.await.unwrap_or(Err(RoomsUnknown));
            drop(abandon);
            shard.enter(|state| {
                state.input(key, |session, _, effects| {
                    session.on_rooms_checked(outcome, effects);
                });
            });
        });
        if let Some(connection) = self.state.borrow_mut().get(key) {
            connection.room_check = Some(Owned(task.abort_handle()));
        }
    }

    /// Sends these away in a random order, evenly over the window.
    async fn send_away(self: Rc<Self>, mut keys: Vec<Key>, window: Duration, why: Departure) {
        keys.shuffle(&mut rand::rng());
        let steps = u32::try_from(keys.len().max(1)).unwrap_or(u32::MAX);
        let pause = (window / steps).min(PAUSE_MAX);
        // Each has its own moment: pauses that are added up would be longer than the window.
        let mut at = Instant::now();
        for key in keys {
            self.enter(|state| state.send_away(key, why));
            at += pause;
            sleep_until(at).await;
        }
    }
}

fn encode(event: Arc<Event>) -> Result<Arc<Encoded>, HistoryError> {
    let encoded = Encoded::new(event);
    encoded.map(Arc::new).map_err(|error| {
        // Nor the next time: a later release may have written it. Whoever comes back for it reads the state anew, as those do who
        // were here.
        tracing::error!(%error, "an event of the history cannot be passed on");
        HistoryError::Expired
    })
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
