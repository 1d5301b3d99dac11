//! Who is online, as far as this node knows and tells; docs/decisions/0006-presence.md says why it is built so.
//!
//! - `locals`: who is connected here, with a grace for those who reload. Pure.
//! - `keeper`: once a second renews the node's lease in Redis, writes down who came and went, finds out who is to be told
//!   (`spread`, pure), and tells the nodes where these are; clears up after nodes that died.
//! - `teller`: tells the people who are connected here, folded by person and within a budget (`fold`, pure).
//! - `reporter`: tells `api` when people were last seen.
//!
//! An idle connection costs nothing here but a number beside its person's id: contacts are looked up when somebody's
//! presence changes, never kept.

mod fold;
mod frames;
mod keeper;
mod locals;
mod metrics;
mod reporter;
mod spread;
mod teller;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned};
use shared::{
    bus::{Bus, Joined, ListenerId, Subscriber},
    clock::Clock,
    ids::UserId,
    presence::{ContactChanged, ContactsMirror, InvisibilityChanged, News},
    wire::{Channel, Event, kind},
};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};

use self::{
    fold::Change,
    keeper::Keeper,
    locals::{Locals, Moment},
    reporter::Reporter,
    teller::Teller,
};
pub(crate) use self::{frames::is_telling, metrics::PresenceMetrics};
use crate::{api_client::ApiClient, hub::Hub, switches::Switches};

/// Under which number the node itself listens, beside its shards.
pub(crate) const LISTENER: ListenerId = ListenerId::MAX;
/// Words and errands that may wait. What finds no room has everybody here ask.
const WAITING_MAX: usize = 4096;

/// How presence is told here.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Whether it is told at all.
    pub is_on: bool,
    /// How long somebody without a connection goes on being online.
    pub grace: Duration,
    /// How long this node's people go on being online after its death.
    pub lease: Duration,
    /// Frames a second to all people who are connected here together.
    pub frames_per_second: usize,
}

/// What the teller is to tell.
#[derive(Debug)]
enum Word {
    /// From another node, unread.
    News(Bytes),
    /// From our own keeper.
    Ours(News),
    /// A contact of the viewer's is online.
    Contact(UserId, Change),
    /// Somebody ceased to be a contact of the viewer's.
    Cut(UserId, UserId),
    /// Something about the viewer's contacts has changed.
    Ask(UserId),
    /// Words were lost.
    AskAll,
}

/// What the keeper is to find out.
#[derive(Debug, Clone, Copy)]
enum Errand {
    /// Our own channel is heard, or cannot be.
    Joined(bool),
    /// The second became a contact of the first.
    Contact(UserId, UserId),
    /// Somebody became invisible, or visible.
    Invisibility(UserId, bool),
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    locals: Mutex<Locals>,
    words: mpsc::Sender<Word>,
    errands: mpsc::Sender<Errand>,
    /// A word or an errand found no room.
    overflown: AtomicBool,
    metrics: PresenceMetrics,
    clock: Clock,
    started: Instant,
}

/// A handle; clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Presence(Arc<Inner>);

/// Somebody's connection, as long as this lives. `None` inside where presence is off.
#[derive(Debug)]
pub(crate) struct Present(Option<(Presence, UserId)>);

#[cfg(test)]
impl Present {
    /// Where presence does not matter.
    pub(crate) fn nobody() -> Self {
        Self(None)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        if let Some((presence, user)) = self.0.take() {
            let now = presence.now();
            presence.locals().go(user, now);
            presence.count();
        }
    }
}

/// What the tasks need that is started after the handle.
pub(crate) struct Means {
    pub(crate) bus: Bus,
    pub(crate) subscriber: Subscriber,
    pub(crate) api: ApiClient,
    pub(crate) hub: Hub,
    pub(crate) switches: Arc<Switches>,
}

/// The tasks' ends of the queues.
pub(crate) struct Desks {
    words: mpsc::Receiver<Word>,
    errands: mpsc::Receiver<Errand>,
}

impl Presence {
    /// A handle, and what its tasks read from.
    pub(crate) fn new(settings: Settings, clock: Clock, metrics: PresenceMetrics) -> (Self, Desks) {
        let (words, words_end) = mpsc::channel(WAITING_MAX);
        let (errands, errands_end) = mpsc::channel(WAITING_MAX);
        let inner = Inner {
            settings,
            locals: Mutex::new(Locals::new(milliseconds(settings.grace))),
            words,
            errands,
            overflown: AtomicBool::new(false),
            metrics,
            clock,
            started: Instant::now(),
        };
        let desks = Desks {
            words: words_end,
            errands: errands_end,
        };
        (Self(Arc::new(inner)), desks)
    }

    /// Starts its tasks among these; none where presence is off.
    pub(crate) fn start(&self, tasks: &mut JoinSet<()>, desks: Desks, means: Means) {
        if !self.0.settings.is_on {
            return;
        }
        let Means {
            bus,
            subscriber,
            api,
            hub,
            switches,
        } = means;
        let reporter = Reporter::new(api.clone());
        let contacts = ContactsMirror::new(bus.clone(), Arc::new(api));
        let keeper = Keeper::new(self.clone(), (bus, contacts), subscriber, reporter.clone());
        tasks.spawn(keeper.keep(desks.errands));
        tasks.spawn(Teller::new(self.clone(), hub, switches).tell(desks.words));
        tasks.spawn(reporter.report());
    }

    /// Somebody has a connection here.
    pub(crate) fn come(&self, user: UserId) -> Present {
        if !self.0.settings.is_on {
            return Present(None);
        }
        self.locals().come(user);
        self.count();
        Present(Some((self.clone(), user)))
    }

    /// Answers to joins of [`LISTENER`].
    pub(crate) fn joined(&self, joined: &Joined) {
        self.run(Errand::Joined(joined.outcome.is_ok()));
    }

    /// Takes notice of an event that was heard on this node. True where it is for nodes alone.
    pub(crate) fn hear(&self, event: &Event) -> bool {
        if let Channel::Node(_) = event.channel {
            self.say(Word::News(event.body.clone()));
            return true;
        }
        let Channel::User(user) = event.channel else {
            return false;
        };
        if !event.control || !self.0.settings.is_on {
            return &*event.kind == kind::PRESENCE_CONTACT;
        }
        match &*event.kind {
            kind::INVISIBILITY_CHANGED => {
                if let Some(InvisibilityChanged { invisible }) = data(&event.body) {
                    self.run(Errand::Invisibility(user, invisible));
                }
            }
            kind::PRESENCE_CONTACT => {
                if let Some(ContactChanged { user_id, contact }) = data(&event.body) {
                    if contact {
                        self.run(Errand::Contact(user, user_id));
                    } else {
                        self.say(Word::Cut(user, user_id));
                    }
                }
                return true;
            }
            _ => {}
        }
        false
    }

    /// What was said to this person may be lost.
    pub(crate) fn lost(&self, channel: Channel) {
        match channel {
            Channel::User(user) => self.say(Word::Ask(user)),
            Channel::Node(_) => self.say(Word::AskAll),
            _ => {}
        }
    }

    fn say(&self, word: Word) {
        if self.0.settings.is_on && self.0.words.try_send(word).is_err() {
            self.0.overflown.store(true, Ordering::Release);
        }
    }

    fn run(&self, errand: Errand) {
        if self.0.settings.is_on && self.0.errands.try_send(errand).is_err() {
            self.0.overflown.store(true, Ordering::Release);
        }
    }

    /// Whether something was lost since the last time.
    fn take_overflown(&self) -> bool {
        self.0.overflown.swap(false, Ordering::AcqRel)
    }

    fn locals(&self) -> MutexGuard<'_, Locals> {
        // Nothing that can panic runs while it is held.
        self.0.locals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) {
        let people = self.locals().len();
        self.0
            .metrics
            .users
            .set(i64::try_from(people).unwrap_or(i64::MAX));
    }

    fn now(&self) -> Moment {
        Moment {
            elapsed_ms: milliseconds(self.0.started.elapsed()),
            unix_ms: self.0.clock.now_ms(),
        }
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The data of an event's body; `None`, and a line in the log, where it is not what its type promises.
fn data<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    #[derive(Deserialize)]
    struct Body<T> {
        data: T,
    }
    match serde_json::from_slice::<Body<T>>(body) {
        Ok(body) => Some(body.data),
        Err(error) => {
            tracing::error!(%error, "a word about presence that cannot be read");
            None
        }
    }
}
