//! A transaction that also carries events: the only way to change something, and the only way to tell anybody.

use std::{ops::Deref, sync::Arc};

use futures_util::FutureExt;
use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{EventId, GroupId, UserId},
    telemetry::trace::{Kind, Span, current, followed},
    wire::{Channel, Class, Ephemeral, Event, EventBody},
};

use super::{Connection, Held, error::classify_commit};
use crate::app::{
    App,
    error::Error,
    event_log::{NewEvent, append},
    event_type::EventType,
    metrics::ApiMetrics,
    time::Time,
};

/// How events of types that no feature knows are counted.
const FOREIGN: &str = "foreign";

/// A durable event to be.
#[derive(Debug)]
pub struct EventSpec<'a, T: Serialize> {
    /// Where it goes: the durable channels of everybody who must hear it.
    pub channels: &'a [Channel],
    /// What it is; one of the feature's.
    pub kind: EventType,
    /// Who caused it.
    pub from: Option<UserId>,
    /// Whom it is for.
    pub to: Option<UserId>,
    /// The group it belongs to.
    pub group: Option<GroupId>,
    /// What the type says.
    pub data: &'a T,
}

/// An ephemeral event to be: whoever listens at that moment hears it.
#[derive(Debug)]
pub struct NoticeSpec<'a, T: Serialize> {
    /// Where it goes.
    pub channel: Channel,
    /// What it is; one of the feature's.
    pub kind: EventType,
    /// How it is queued for slow connections; anything but [`Class::Durable`].
    pub class: Class,
    /// For [`Class::State`]: a newer one with the same key replaces it in a queue.
    pub key: Option<&'a str>,
    /// Who caused it.
    pub from: Option<UserId>,
    /// Whom it is for.
    pub to: Option<UserId>,
    /// The group it belongs to.
    pub group: Option<GroupId>,
    /// What the type says.
    pub data: &'a T,
}

/// An event of another back end's making, of a type that no feature knows.
#[derive(Debug)]
pub struct Foreign<'a, T: Serialize> {
    /// Its id, which its publisher is told.
    pub id: EventId,
    /// Where it goes: durable channels, where it is durable.
    pub channels: &'a [Channel],
    /// The event type.
    pub kind: &'a str,
    /// What the type says.
    pub data: &'a T,
}

/// An open transaction. Statements run through the [`Connection`] it derefs to. Dropped without [`Tx::commit`], nothing
/// has happened and nobody hears of it.
pub struct Tx {
    // Closed over `begin` and `commit` by hand: the driver's transaction borrows its connection, and this one owns it.
    connection: Connection,
    app: App,
    events: Vec<NewEvent>,
    notices: Vec<Event>,
    foreign_notices: Vec<Event>,
    is_open: bool,
    /// Where it goes back to, if it was lent.
    held: Option<Held>,
}

impl Tx {
    /// Opens a transaction at the level "read committed".
    pub(in crate::app) async fn begin(app: App) -> Result<Self, Error> {
        if let Some((mut tx, held)) = Held::borrow() {
            tx.held = Some(held);
            return Ok(tx);
        }
        let connection = app.read().await?;
        let mut tx = Self {
            connection,
            app,
            events: Vec::new(),
            notices: Vec::new(),
            foreign_notices: Vec::new(),
            is_open: true,
            held: None,
        };
        if let Err(error) = tx.connection.simple("begin").await {
            tx.is_open = false;
            return Err(super::error::classify(error));
        }
        Ok(tx)
    }

    /// Now, by the app's clock.
    pub fn now(&self) -> Time {
        self.app.now()
    }

    /// Adds a durable event. It is numbered and written to the log by [`Tx::commit`].
    pub fn event<T: Serialize + JsonSchema>(
        &mut self,
        spec: &EventSpec<'_, T>,
    ) -> Result<(), Error> {
        self.add_own(spec, false)
    }

    /// Adds a durable event that gateways act on themselves.
    pub fn control_event<T: Serialize + JsonSchema>(
        &mut self,
        spec: &EventSpec<'_, T>,
    ) -> Result<(), Error> {
        self.add_own(spec, true)
    }

    /// Adds a durable event of a type that no feature knows.
    pub fn foreign_event<T: Serialize>(&mut self, foreign: &Foreign<'_, T>) -> Result<(), Error> {
        let body = EventBody {
            timestamp: self.app.clock().now_seconds(),
            from_user_id: None,
            to_user_id: None,
            group_id: None,
            data: foreign.data,
        };
        let kind = (foreign.kind, false, Some(foreign.id));
        self.add(kind, foreign.channels, &body)
    }

    /// Adds an ephemeral event of a type that no feature knows, in each of its channels.
    pub fn foreign_notice<T: Serialize>(&mut self, foreign: &Foreign<'_, T>) -> Result<(), Error> {
        let Some(first) = foreign.channels.first() else {
            return Ok(());
        };
        // A key of its own, so that none takes another's place in a queue.
        let key = format!("published:{}", foreign.id);
        let notice = Ephemeral {
            channel: *first,
            kind: foreign.kind,
            class: Class::State,
            key: Some(&key),
            control: false,
            from: None,
            to: None,
            group: None,
            data: foreign.data,
        };
        let notice = notice.at(self.app.clock().now_ms());
        let notice = Event {
            id: foreign.id,
            ..notice.map_err(Error::internal)?
        };
        let channels = foreign.channels.iter();
        self.foreign_notices.extend(channels.map(|channel| Event {
            channel: *channel,
            ..notice.clone()
        }));
        Ok(())
    }

    /// Adds an ephemeral event, published after the commit.
    pub fn notice<T: Serialize + JsonSchema>(
        &mut self,
        spec: &NoticeSpec<'_, T>,
    ) -> Result<(), Error> {
        self.check::<T>(spec.kind, false);
        self.ephemeral(&Ephemeral {
            channel: spec.channel,
            kind: spec.kind.name,
            class: spec.class,
            key: spec.key,
            control: false,
            from: spec.from,
            to: spec.to,
            group: spec.group,
            data: spec.data,
        })
    }

    /// As [`Tx::notice`], in these channels besides its own: the same event in all of them.
    pub fn notice_to_all<T: Serialize + JsonSchema>(
        &mut self,
        spec: &NoticeSpec<'_, T>,
        others: &[Channel],
    ) -> Result<(), Error> {
        self.notice(spec)?;
        let Some(notice) = self.notices.last().cloned() else {
            return Ok(());
        };
        self.notices.extend(others.iter().map(|channel| Event {
            channel: *channel,
            ..notice.clone()
        }));
        Ok(())
    }

    /// As [`Tx::notice`], for events that are made elsewhere, or for gateways alone.
    pub fn ephemeral<T: Serialize>(&mut self, event: &Ephemeral<'_, T>) -> Result<(), Error> {
        let event = event.at(self.app.clock().now_ms());
        self.notices.push(event.map_err(Error::internal)?);
        Ok(())
    }

    /// What is written is what the documents say of the type.
    fn check<T: JsonSchema>(&self, kind: EventType, is_durable: bool) {
        let EventType { name, .. } = kind;
        debug_assert!(self.app.is_event_type(name), "no feature has {name}");
        debug_assert!(kind.is_of::<T>(), "{name} has other data");
        debug_assert_eq!(kind.is_durable, is_durable, "{name}");
    }

    fn add_own<T: Serialize + JsonSchema>(
        &mut self,
        spec: &EventSpec<'_, T>,
        control: bool,
    ) -> Result<(), Error> {
        self.check::<T>(spec.kind, true);
        let body = EventBody {
            timestamp: self.app.clock().now_seconds(),
            from_user_id: spec.from,
            to_user_id: spec.to,
            group_id: spec.group,
            data: spec.data,
        };
        self.add((spec.kind.name, control, None), spec.channels, &body)
    }

    fn add<T: Serialize>(
        &mut self,
        (kind, control, id): (&str, bool, Option<EventId>),
        channels: &[Channel],
        body: &EventBody<'_, T>,
    ) -> Result<(), Error> {
        if !channels.iter().all(|channel| channel.is_durable()) {
            return Err(Error::defect("a durable event for a channel without a log"));
        }
        let mut channels = channels.to_vec();
        channels.sort_unstable();
        channels.dedup();
        self.events.push(NewEvent {
            channels,
            kind: Arc::from(kind),
            id,
            control,
            body: body.to_json().map_err(Error::internal)?,
        });
        Ok(())
    }

    /// Foreign types are one label, because there may be any number of them.
    fn count(&self) {
        let metrics = self.app.metrics();
        for event in &self.events {
            let is_own = self.app.is_event_type(&event.kind);
            let kind = if is_own { &*event.kind } else { FOREIGN };
            metrics.event(kind, Class::Durable, event.channels.len());
        }
        for notice in &self.notices {
            metrics.event(&notice.kind, notice.class, 1);
        }
        for notice in &self.foreign_notices {
            metrics.event(FOREIGN, notice.class, 1);
        }
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &ApiMetrics {
        self.app.metrics()
    }

    /// Numbers the events, commits, and hands everything to the publisher. When this returns, the change and its events
    /// are stored; that they reach Redis is the business of the publisher, and of the relay after it.
    pub async fn commit(mut self) -> Result<(), Error> {
        if self.connection.has_failed() {
            return Err(Error::defect("a commit after a statement that failed"));
        }
        if let Some(held) = self.held.take() {
            held.give_back(self);
            return Ok(());
        }
        let now_ms = self.app.clock().now_ms();
        let span = Span::after(current(), Kind::Internal, || "commit".into());
        let trace = span.as_ref().map(Span::context);
        // The heads of the channels are locked from here on, so that this is the last statement: their order, and so
        // the freedom from deadlocks, holds as long as no other statement takes them.
        let events = append(&self.connection, &self.events, (now_ms, trace)).await?;
        let committed = self.connection.simple("commit").await;
        self.is_open = false;
        committed.map_err(classify_commit)?;
        self.count();
        let mut notices = std::mem::take(&mut self.notices);
        notices.append(&mut self.foreign_notices);
        for way in trace.map_or_else(Vec::new, |_| followed(notices.len())) {
            notices[way].trace = trace;
        }
        self.app.publisher().offer(events, notices);
        Ok(())
    }
}

impl Deref for Tx {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if self.is_open {
            // Polled once, the command is on its way; the connection's next user waits behind it. This is how the
            // driver's own transactions end when they are dropped.
            drop(self.connection.simple("rollback").now_or_never());
        }
    }
}
