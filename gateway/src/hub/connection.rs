//! One connection on its shard.

use bytes::Bytes;
use mio::net::TcpStream;
use shared::{
    ledger::DropReason,
    wire::{Channel, CloseReason},
};
use smallvec::SmallVec;
use tokio::{sync::OwnedSemaphorePermit, task::AbortHandle};

use super::conditions::Conditions;
use crate::{
    codec::{Deflater, Encoded},
    delivering::Delivering,
    ledger::{Ledger, NOBODY, Traced},
    metrics::{ConnectionGuard, Departure, Dropped, End},
    presence,
    roster::Line,
    session::{Path, Session},
    transport::{Delivery, Gone, Item, Outlet, Pushed, Queue, Written, write, ws::Parser},
};

/// A connection that has its close frame in the queue, or behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Closing {
    /// The client has said goodbye too: nothing more is waited for once the close frame is written.
    pub(super) answered: bool,
    /// Then it is dropped, whatever is missing.
    pub(super) until_ms: u64,
    /// There is no close frame: only the namespace is left, and the engine goes on elsewhere once all is written.
    pub(super) engine_stays: bool,
}

/// How long a connection may stay, on the shard's clock, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stay {
    /// Then it has been here long enough.
    Until(u64),
    /// Its client was told to come back elsewhere, and may do so before it leaves.
    Told {
        departure: Departure,
        after_ms: u64,
        until_ms: u64,
    },
}

impl Stay {
    pub(super) fn until_ms(self) -> u64 {
        match self {
            Self::Until(until_ms) | Self::Told { until_ms, .. } => until_ms,
        }
    }
}

/// A task that ends with its connection.
#[derive(Debug)]
pub(super) struct Owned(pub(super) AbortHandle);

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) struct Connection {
    pub(super) session: Session,
    pub(super) stream: TcpStream,
    /// `None` where nothing is to be said, and after a violation: nothing that follows can be understood.
    pub(super) parser: Option<Parser>,
    pub(super) outlet: Outlet,
    pub(super) queue: Queue,
    /// Of whoever is traced, by the ledger's rules of this number.
    pub(super) traced: Option<Box<Traced>>,
    trace_rules: i64,
    pub(super) stay: Stay,
    /// Whether the client said where it stood and was not answered yet.
    pub(super) resumes: bool,
    /// The channels it is listed under.
    pub(super) hears: SmallVec<[Channel; 1]>,
    /// In the list of those with something to write.
    pub(super) dirty: bool,
    /// Whether its session may have something waiting for room in the queue; looked into when the queue is empty. An event that
    /// goes straight through never makes it so: the busiest path does not touch the session after a write.
    pub(super) may_be_behind: bool,
    pub(super) closing: Option<Closing>,
    /// What came before the client was listened to.
    pub(super) unread: Box<[u8]>,
    /// Whether it is read.
    pub(super) is_heard: bool,
    /// The socket took no more; nothing is written until it says that it does.
    pub(super) is_blocked: bool,
    /// Counts it among its user's; `None` once it closes.
    pub(super) line: Option<Line>,
    /// Asks whether it may stay in its rooms.
    pub(super) room_check: Option<Owned>,
    pub(super) guards: (OwnedSemaphorePermit, ConnectionGuard),
}

impl Connection {
    pub(super) fn new(
        session: Session,
        stream: TcpStream,
        (parser, outlet): (Option<Parser>, Outlet),
        unread: Vec<u8>,
        (line, stay, resumes): (Line, Stay, bool),
        guards: (OwnedSemaphorePermit, ConnectionGuard),
    ) -> Self {
        Self {
            session,
            stream,
            parser,
            outlet,
            queue: Queue::default(),
            traced: None,
            trace_rules: NOBODY,
            stay,
            resumes,
            hears: SmallVec::new(),
            dirty: false,
            may_be_behind: true,
            closing: None,
            unread: unread.into_boxed_slice(),
            is_heard: false,
            is_blocked: false,
            line: Some(line),
            room_check: None,
            guards,
        }
    }

    /// Looks whether it is traced, where the rules are not those that it was looked at by.
    pub(super) fn keep_traced(&mut self, rules: i64, ledger: &Ledger) {
        if rules == self.trace_rules {
            return;
        }
        self.trace_rules = rules;
        let is_traced = self.traced.is_some();
        let line = self.line.as_ref().filter(|_| rules != NOBODY);
        let traced = line.and_then(|line| {
            let own = line.connection();
            ledger.traced(own.user_id, own.name)
        });
        // Whoever stays traced keeps what was noted.
        if traced.is_some() != is_traced {
            self.traced = traced;
        }
    }

    /// What waits will not be written.
    pub(super) fn drop_traced(&self, conditions: &Conditions, reason: DropReason) {
        if let Some(traced) = self.traced.as_deref() {
            for delivery in self.queue.deliveries() {
                let ledger = &conditions.ledger;
                ledger.dropped(Some(traced), delivery.traced, reason);
            }
        }
    }

    /// Queues what must not be dropped. `Err`: the client is too slow.
    pub(super) fn send(
        &mut self,
        bytes: Bytes,
        conditions: &Conditions,
    ) -> Result<(), CloseReason> {
        self.push(Item::frame(bytes), conditions)
    }

    /// Queues an event by its class. `Err`: the client is too slow.
    pub(super) fn deliver(
        &mut self,
        (encoded, path): (&Encoded, Path),
        deflater: &mut Deflater,
        conditions: &Conditions,
    ) -> Result<(), CloseReason> {
        let event = &encoded.event;
        let ledger = &conditions.ledger;
        let item = Item {
            bytes: self.outlet.event(encoded, deflater),
            class: event.class,
            key: event.key.clone(),
            tells_presence: presence::is_telling(event),
            delivery: Some(Delivery {
                class: event.class,
                path,
                committed_at_ms: event.committed_at_ms,
                traced: ledger.matched(self.traced.as_deref_mut(), event),
                delivering: encoded.delivering.as_ref().and_then(Delivering::follow),
            }),
        };
        self.push(item, conditions)?;
        self.outlet.took(event);
        Ok(())
    }

    fn push(&mut self, item: Item, conditions: &Conditions) -> Result<(), CloseReason> {
        let (bound, metrics) = (conditions.queue, &conditions.metrics);
        if !self.queue.admits(&item, bound) && !self.is_blocked {
            // Perhaps only the burst is long, and the socket takes it. If not, the next write says so again.
            self.write(conditions, conditions.clock.now_ms());
        }
        let (class, tells_presence) = (item.class, item.tells_presence);
        let own = item.delivery.as_ref().and_then(|own| own.traced);
        let (ledger, traced) = (&conditions.ledger, self.traced.as_deref());
        let line = self.line.as_ref();
        let ask_again = || {
            if let Some(line) = line {
                let viewer = line.connection().user_id;
                conditions.presence.lost(Channel::User(viewer));
            }
        };
        let pushed = self.queue.push(item, bound, |gone, why| {
            let reason = match why {
                Gone::Replaced => DropReason::Replaced,
                Gone::ForRoom => {
                    metrics.dropped(gone.class, Dropped::QueueFull, 1);
                    DropReason::QueueFull
                }
            };
            if gone.tells_presence {
                ask_again();
            }
            ledger.dropped(traced, gone.delivery.and_then(|gone| gone.traced), reason);
        });
        match pushed {
            Pushed::Queued | Pushed::Replaced => Ok(()),
            Pushed::Dropped => {
                if tells_presence {
                    ask_again();
                }
                metrics.dropped(class, Dropped::QueueFull, 1);
                ledger.dropped(traced, own, DropReason::QueueFull);
                Ok(())
            }
            // The answer is as long as it may be; the rest is for the next one.
            Pushed::Full if self.outlet.collects() => {
                ledger.dropped(traced, own, DropReason::ConnectionEnded);
                Err(CloseReason::Normal)
            }
            Pushed::Full => {
                ledger.dropped(traced, own, DropReason::SlowConsumer);
                Err(CloseReason::SlowConsumer)
            }
        }
    }

    /// Writes what the socket takes now, which is `now_ms`.
    pub(super) fn write(&mut self, conditions: &Conditions, now_ms: i64) -> Written {
        if self.is_collecting() {
            return Written::Everything;
        }
        let tally = conditions.tally(self.outlet.transport());
        let (ledger, traced) = (&conditions.ledger, self.traced.as_deref());
        let joins = self.outlet.is_in_lines();
        let (written, sent) = write(&self.stream, &mut self.queue, joins, |delivery| {
            tally.delivered(&delivery, now_ms);
            ledger.written(traced, delivery.traced);
        });
        tally.wrote(sent);
        written
    }

    /// Whether what is queued waits to become one answer.
    pub(super) fn is_collecting(&self) -> bool {
        self.outlet.collects() && self.closing.is_none()
    }

    /// Queues the last that is said.
    pub(super) fn say_goodbye(
        &mut self,
        reason: CloseReason,
        retry_after_ms: Option<u64>,
        conditions: &Conditions,
    ) {
        let tally = conditions.tally(self.outlet.transport());
        let now_ms = conditions.clock.now_ms();
        let (ledger, traced) = (&conditions.ledger, self.traced.as_deref());
        self.outlet
            .goodbye(&mut self.queue, (reason, retry_after_ms), |delivery| {
                tally.delivered(&delivery, now_ms);
                ledger.written(traced, delivery.traced);
            });
    }

    /// Whether the node leaves, and the client was told.
    pub(super) fn is_drained(&self) -> bool {
        matches!(
            self.stay,
            Stay::Told {
                departure: Departure::Drain,
                ..
            }
        )
    }

    /// How it is counted when it is closed for this reason.
    pub(super) fn end(&self, reason: CloseReason) -> End {
        match self.stay {
            Stay::Told { departure, .. } if reason == CloseReason::GoingAway => {
                End::SentAway(departure)
            }
            _ => End::Closed(reason),
        }
    }
}
