//! After the commit: to Redis, by the pod that made the change.

use std::future::Future;

use serde::Deserialize;
use shared::{
    bus::{Appended, Bus, BusError},
    clock::Clock,
    credentials::Revocations,
    ids::SessionId,
    telemetry::trace::{Kind, Span},
    wire::{Event, kind},
};
use tokio::sync::mpsc;

use crate::app::metrics::{ApiMetrics, class_label};

/// Transactions whose events wait for the publisher, at most. What does not fit is left to the relay.
const QUEUE_MAX: usize = 1024;
/// Transactions that go out together, at most.
const BATCH_MAX: usize = 64;

struct Batch {
    events: Vec<Event>,
    notices: Vec<Event>,
}

/// Takes over what was committed. Never waits: the commit has made the promise already, and the relay keeps it.
#[derive(Clone)]
pub struct Publisher {
    queue: mpsc::Sender<Batch>,
    /// Off leaves all durable events to the relay.
    inline: bool,
    metrics: ApiMetrics,
}

impl Publisher {
    /// Hands over one transaction's events, and the notices that go with it.
    pub(in crate::app) fn offer(&self, events: Vec<Event>, notices: Vec<Event>) {
        let events = if self.inline { events } else { Vec::new() };
        if events.is_empty() && notices.is_empty() {
            return;
        }
        let count = events.len();
        if self.queue.try_send(Batch { events, notices }).is_err() {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            self.metrics.outbox_left_to_relay.inc_by(count);
        }
    }
}

/// The task behind a [`Publisher`].
pub(in crate::app) struct PublisherTask {
    queue: mpsc::Receiver<Batch>,
    outlet: Outlet,
}

/// A publisher and its task. `inline` off leaves durable events to the relay.
pub(in crate::app) fn publisher(outlet: Outlet, inline: bool) -> (Publisher, PublisherTask) {
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    let publisher = Publisher {
        queue: sender,
        inline,
        metrics: outlet.metrics.clone(),
    };
    let task = PublisherTask {
        queue: receiver,
        outlet,
    };
    (publisher, task)
}

impl PublisherTask {
    /// Publishes until `stop` resolves, and then what is in the queue.
    pub(in crate::app) async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut batches = Vec::with_capacity(BATCH_MAX);
        let mut stopping = false;
        loop {
            tokio::select! {
                () = &mut stop, if !stopping => {
                    stopping = true;
                    self.queue.close();
                }
                count = self.queue.recv_many(&mut batches, BATCH_MAX) => {
                    if count == 0 {
                        return;
                    }
                    self.publish(&mut batches).await;
                }
            }
        }
    }

    async fn publish(&self, batches: &mut Vec<Batch>) {
        let (mut events, mut notices) = (Vec::new(), Vec::new());
        for batch in batches.drain(..) {
            events.extend(batch.events);
            notices.extend(batch.notices);
        }
        // Commits of this pod may come here in another order than their offsets.
        events.sort_by_key(|event| (event.channel, event.offset()));
        if let Err(error) = self.outlet.append(&mut events, By::Inline).await {
            tracing::warn!(%error, events = events.len(), "not published: left to the relay");
        }
        if let Err(error) = self.outlet.publish(&notices).await {
            tracing::warn!(%error, notices = notices.len(), "ephemeral events are lost");
        }
    }
}

/// Who publishes.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) enum By {
    /// The pod that made the change.
    Inline,
    /// The relay.
    Relay,
}

impl By {
    const fn label(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Relay => "relay",
        }
    }
}

/// The one way of events to Redis.
#[derive(Clone)]
pub(in crate::app) struct Outlet {
    bus: Bus,
    revocations: Revocations,
    clock: Clock,
    pub(super) metrics: ApiMetrics,
}

#[derive(Deserialize)]
struct SessionRevoked {
    data: RevokedSession,
}

#[derive(Deserialize)]
struct RevokedSession {
    session_id: SessionId,
}

impl Outlet {
    pub(in crate::app) fn new(bus: Bus, clock: Clock, metrics: ApiMetrics) -> Self {
        Self {
            revocations: Revocations::new(bus.clone()),
            bus,
            clock,
            metrics,
        }
    }

    /// Appends durable events, sorted by channel and offset, and says what became of each.
    ///
    /// A session's mark is set before its `session_revoked` goes out, whoever publishes it: a gateway that closes the
    /// session's sockets must not let it in again.
    pub(super) async fn append(
        &self,
        events: &mut [Event],
        by: By,
    ) -> Result<Vec<Appended>, BusError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut steps = publishing(events, by);
        let appended = self.mark_and_append(events).await;
        if appended.is_err() {
            steps.iter_mut().for_each(Span::failed);
        }
        drop(steps);
        self.count(events, appended.as_deref(), by);
        appended
    }

    async fn mark_and_append(&self, events: &[Event]) -> Result<Vec<Appended>, BusError> {
        let revoked: Vec<SessionId> = events.iter().filter_map(revoked_session).collect();
        if !revoked.is_empty() {
            self.revocations.mark(&revoked).await?;
        }
        self.bus.append(events).await
    }

    /// Publishes ephemeral events.
    async fn publish(&self, notices: &[Event]) -> Result<(), BusError> {
        if notices.is_empty() {
            return Ok(());
        }
        self.bus.publish(notices).await
    }

    fn count(&self, events: &[Event], appended: Result<&[Appended], &BusError>, by: By) {
        let count = |result: &str, count: usize| {
            let counter = &self.metrics.outbox_published;
            let counter = counter.with_label_values(&[by.label(), result]);
            counter.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
        };
        let Ok(appended) = appended else {
            count("failed", events.len());
            return;
        };
        let now_ms = self.clock.now_ms();
        for (event, appended) in events.iter().zip(appended) {
            count(label(*appended), 1);
            if *appended == Appended::Published {
                let age_ms = now_ms.saturating_sub(event.committed_at_ms).max(0);
                let age = std::time::Duration::from_millis(age_ms.unsigned_abs());
                let seconds = &self.metrics.publish_seconds;
                let seconds = seconds.with_label_values(&[class_label(event.class)]);
                seconds.observe(age.as_secs_f64());
            }
        }
    }
}

/// Steps of those that are followed; deliveries come after them.
fn publishing(events: &mut [Event], by: By) -> Vec<Span> {
    let begin = |event: &mut Event| {
        let name = || format!("publish {}", event.kind).into();
        let mut step = Span::after(event.trace, Kind::Producer, name)?;
        step.note("hubbub.event_id", event.id.to_string());
        step.note("hubbub.by", by.label());
        event.trace = Some(step.context());
        Some(step)
    };
    events.iter_mut().filter_map(begin).collect()
}

const fn label(appended: Appended) -> &'static str {
    match appended {
        Appended::Published => "published",
        Appended::Repeat => "repeat",
        Appended::Waiting => "waiting",
        Appended::Refused => "refused",
    }
}

fn revoked_session(event: &Event) -> Option<SessionId> {
    if !event.control || &*event.kind != kind::SESSION_REVOKED {
        return None;
    }
    let body: SessionRevoked = serde_json::from_slice(&event.body).ok()?;
    Some(body.data.session_id)
}
