//! Who types where, from this node's connections.
//!
//! A start goes on once in two seconds; what comes in between is the same news. It ends by a word of the client, by a message
//! to the same place, with the connection, or by itself, and each of these ends is told. Whoever hears a start and no end
//! forgets it after six seconds, so that nothing here has to arrive.

mod table;
#[cfg(test)]
mod tests;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::{
    bus::Bus,
    clock::Clock,
    connections::{Connection, Name},
    ids::UserId,
    ticks,
    wire::{Channel, Class, Ephemeral, Event, said::Typing},
};
use tokio::{sync::Notify, time::Instant};

use self::table::{Ended, Table};
use crate::{
    codec::{Control, Encoded},
    reach::{Reach, Target},
};

/// How often ends are looked for.
const TICK: Duration = Duration::from_millis(500);

/// Everybody who types here.
#[derive(Debug)]
pub(crate) struct Typists {
    table: Mutex<Table>,
    has_ended: Notify,
    clock: Clock,
}

impl Typists {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            table: Mutex::default(),
            has_ended: Notify::new(),
            clock,
        }
    }

    /// Somebody types there. The event, if it is news.
    pub(crate) fn start(&self, person: UserId, name: Name, reach: Reach) -> Option<Event> {
        let is_news = self.lock().start(person, name, reach, Instant::now());
        is_news.then(|| self.event("typing_start", person, reach))?
    }

    /// It was not told after all.
    pub(crate) fn forget(&self, person: UserId, reach: Reach) {
        self.lock().forget(person, reach);
    }

    /// Somebody types there no more. The event, if they did.
    pub(crate) fn stop(&self, person: UserId, reach: Reach) -> Option<Event> {
        let typed = self.lock().stop(person, reach);
        typed.then(|| self.event("typing_stop", person, reach))?
    }

    /// Somebody's message went there.
    pub(crate) fn sent(&self, person: UserId, target: Target) {
        self.end(|table| table.end_of(person, |typing| typing.reach.is(target)));
    }

    /// A connection is gone.
    pub(crate) fn left(&self, connection: Connection) {
        let (person, name) = (connection.user_id, connection.name);
        self.end(|table| table.end_of(person, |typing| typing.connection == name));
    }

    /// Something was said on a channel that this node hears: whom it takes something from types nowhere any more.
    pub(crate) fn on_event(&self, encoded: &Encoded) {
        match (encoded.control, encoded.event.channel) {
            (Some(Control::AccessChanged), Channel::User(person)) => self.end_all(person),
            (Some(Control::MembershipChanged(change)), _) => self.end_all(change.user_id),
            _ => {}
        }
    }

    fn end_all(&self, person: UserId) {
        self.end(|table| table.end_of(person, |_| true));
    }

    fn end(&self, end: impl FnOnce(&mut Table) -> bool) {
        if end(&mut self.lock()) {
            self.has_ended.notify_one();
        }
    }

    /// Tells of ends, and finds those that come by themselves, for as long as it is polled.
    pub(crate) async fn keep(&self, bus: &Bus) {
        let mut ticks = ticks::every(TICK);
        loop {
            tokio::select! {
                () = self.has_ended.notified() => {}
                _ = ticks.tick() => {}
            }
            let ended = self.lock().take_ended(Instant::now());
            let told = ended
                .into_iter()
                .filter_map(|Ended { person, reach }| self.event("typing_stop", person, reach));
            let told: Vec<Event> = told.collect();
            if !told.is_empty()
                && let Err(error) = bus.publish(&told).await
            {
                tracing::debug!(%error, "whoever hears of typing forgets it by itself");
            }
        }
    }

    fn event(&self, kind: &str, person: UserId, reach: Reach) -> Option<Event> {
        let event = Ephemeral {
            channel: reach.channel()?,
            kind,
            class: Class::Chatter,
            key: None,
            control: false,
            from: Some(person),
            to: reach.to,
            group: reach.group_id,
            data: &Typing {
                user_id: person,
                conversation_id: reach.conversation_id,
                group_id: reach.group_id,
            },
        };
        let event = event.at(self.clock.now_ms());
        Some(event.expect("numbers always serialise"))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing that can panic runs while it is held.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
