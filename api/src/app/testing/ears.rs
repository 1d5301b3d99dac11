//! What is heard on the bus, by the same subscriber that gateways use.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use shared::{
    bus::{History, Join, Joined, ListenerId, Listeners, Sink, Subscriber},
    wire::{Channel, Event, Position},
};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::app::{App, event_log::EventLog};

/// Whatever should be heard is heard within this time, on a busy machine too.
const HEARD_WITHIN: Duration = Duration::from_secs(15);
const LISTENER: ListenerId = ListenerId(0);

/// An event as a test looks at it.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// The event.
    pub(crate) event: Arc<Event>,
    /// Its body: the envelope without id, channel and offset.
    pub(crate) body: Value,
}

impl Heard {
    /// What the type says.
    pub(crate) fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// Its offset in the channel where it was heard.
    pub(crate) fn offset(&self) -> u64 {
        self.event.offset().expect("a durable event")
    }
}

#[derive(Default)]
struct Record {
    joined: Vec<Channel>,
    /// Not yet asked for, in the order of arrival.
    waiting: HashMap<Channel, Vec<Arc<Event>>>,
}

/// Listens for a whole test.
#[derive(Clone)]
pub(crate) struct Ears {
    subscriber: Subscriber,
    record: Arc<Mutex<Record>>,
    changes: watch::Receiver<u64>,
}

struct Recorder {
    record: Arc<Mutex<Record>>,
    changes: watch::Sender<u64>,
}

impl Sink for Recorder {
    fn joined(&mut self, _: ListenerId, joined: Joined) {
        joined.outcome.expect("Redis for tests answers");
        lock(&self.record).joined.push(joined.channel);
        self.changes.send_modify(|count| *count += 1);
    }

    fn event(&mut self, _: Listeners, event: Arc<Event>) {
        let mut record = lock(&self.record);
        record.waiting.entry(event.channel).or_default().push(event);
        drop(record);
        self.changes.send_modify(|count| *count += 1);
    }

    fn unheard(&mut self, _: Arc<Event>) {}

    fn lost(&mut self, _: Listeners, channel: Channel, position: Position) {
        panic!("the stream of {channel} broke before {position:?}");
    }

    fn interrupted(&mut self, _: Listeners, channel: Channel) {
        panic!("the stream of {channel} was cut");
    }
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ears {
    /// Starts a subscriber on the app's Redis.
    pub(crate) fn new(app: &App) -> Self {
        let record = Arc::<Mutex<Record>>::default();
        let (sender, changes) = watch::channel(0);
        let recorder = Recorder {
            record: Arc::clone(&record),
            changes: sender,
        };
        let history = History::new(app.bus().clone(), Arc::new(EventLog::new(app)));
        let settings = &app.settings().redis;
        // The task ends with the last handle on it.
        let (subscriber, _task) = Subscriber::start(settings, app.bus().clone(), history, recorder)
            .expect("a subscriber");
        Self {
            subscriber,
            record,
            changes,
        }
    }

    /// Listens to a channel from now on.
    pub(crate) async fn join(&self, channel: Channel) {
        let join = Join {
            channel,
            listener: LISTENER,
            token: 0,
            since: None,
        };
        self.subscriber.join(join).await.expect("it runs");
        self.wait(&format!("joining {channel}"), |record| {
            record.joined.contains(&channel).then_some(())
        })
        .await;
    }

    /// The next event of that kind in the channel; those before it of other kinds stay for later.
    pub(crate) async fn hear(&self, channel: Channel, kind: &str) -> Heard {
        let event = self
            .wait(&format!("{kind} on {channel}"), |record| {
                let waiting = record.waiting.get_mut(&channel)?;
                let index = waiting.iter().position(|event| &*event.kind == kind)?;
                Some(waiting.remove(index))
            })
            .await;
        let body = serde_json::from_slice(&event.body).expect("a body is JSON");
        Heard { event, body }
    }

    /// Everything that has come in the channel and that nobody has asked for, once its event at `offset` is among it.
    pub(crate) async fn take(&self, channel: Channel, offset: u64) -> Vec<Heard> {
        let events = self
            .wait(&format!("{channel} up to {offset}"), |record| {
                let waiting = record.waiting.get_mut(&channel)?;
                let last = waiting.iter().filter_map(|event| event.offset()).max()?;
                (last >= offset).then(|| std::mem::take(waiting))
            })
            .await;
        let heard = events.into_iter().map(|event| Heard {
            body: serde_json::from_slice(&event.body).expect("a body is JSON"),
            event,
        });
        heard.collect()
    }

    /// Kinds of the events that have come and that nobody has asked for.
    pub(crate) fn unheard(&self, channel: Channel) -> Vec<String> {
        let record = lock(&self.record);
        let waiting = record.waiting.get(&channel).into_iter().flatten();
        waiting.map(|event| event.kind.to_string()).collect()
    }

    async fn wait<T>(&self, what: &str, mut look: impl FnMut(&mut Record) -> Option<T>) -> T {
        let deadline = Instant::now() + HEARD_WITHIN;
        let mut changes = self.changes.clone();
        loop {
            changes.mark_unchanged();
            if let Some(found) = look(&mut lock(&self.record)) {
                return found;
            }
            let Ok(changed) = timeout_at(deadline, changes.changed()).await else {
                panic!("{what}: not heard; waiting: {:?}", self.kinds());
            };
            changed.expect("the subscriber runs as long as its handles");
        }
    }

    fn kinds(&self) -> Vec<(Channel, String)> {
        let record = lock(&self.record);
        let waiting = record.waiting.values().flatten();
        let kinds = waiting.map(|event| (event.channel, event.kind.to_string()));
        kinds.collect()
    }
}
