//! Lines about events on their way to people who are traced ([`shared::ledger`]).
//!
//! Shards hand lines over and never wait. A task of the node writes them to Redis, many at a time; what comes faster, or
//! while Redis is away, is lost, and counted.

use std::{collections::VecDeque, num::NonZeroI64, sync::Arc};

use prometheus::IntCounter;
use shared::{
    bus::Bus,
    clock::Clock,
    connections::Name,
    ids::{EventId, UserId},
    ledger::{self, DropReason, Line, Milestone, TRACE},
    wire::{Channel, Event, Offset},
};
use tokio::sync::mpsc;

use crate::switches::Switches;

/// Lines that wait to be written.
const WAITING_MAX: usize = 8192;
/// Lines that are written together.
const BATCH_MAX: usize = 512;
/// Nobody is traced.
pub(crate) const NOBODY: i64 = 0;
/// Durable events of a connection that an acknowledgement can still be about.
const SENT_MAX: usize = 256;

/// Where shards leave their lines.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    lines: mpsc::Sender<(EventId, Line)>,
    switches: Arc<Switches>,
    clock: Clock,
    node_name: Arc<str>,
    lost: IntCounter,
}

/// The task behind it.
pub(crate) struct Writer {
    lines: mpsc::Receiver<(EventId, Line)>,
    bus: Bus,
    lost: IntCounter,
}

impl Ledger {
    pub(crate) fn new(
        (bus, switches): (Bus, Arc<Switches>),
        (clock, node_name): (Clock, &str),
        lost: IntCounter,
    ) -> (Self, Writer) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let writer = Writer {
            lines: receiver,
            bus,
            lost: lost.clone(),
        };
        let ledger = Self {
            lines: sender,
            switches,
            clock,
            node_name: node_name.into(),
            lost,
        };
        (ledger, writer)
    }

    /// A number for the rules as they are now, and [`NOBODY`] while nobody may be traced: then nothing else of this is touched.
    pub(crate) fn rules(&self) -> i64 {
        if self.switches.is_on(&TRACE) {
            self.switches.version().map_or(1, |version| version + 2)
        } else {
            NOBODY
        }
    }

    /// Somebody's connection, if they are traced.
    pub(crate) fn traced(&self, user_id: UserId, connection_id: Name) -> Option<Box<Traced>> {
        self.switches.has(&TRACE, user_id).then(|| {
            Box::new(Traced {
                user_id,
                connection_id,
                sent: VecDeque::new(),
            })
        })
    }

    fn note(&self, traced: &Traced, event: EventId, (milestone, reason): How) {
        let line = Line {
            at_ms: self.clock.now_ms(),
            node: self.node_name.to_string(),
            user_id: traced.user_id,
            connection_id: traced.connection_id,
            milestone,
            reason,
        };
        if self.lines.try_send((event, line)).is_err() {
            self.lost.inc();
        }
    }

    /// It was queued for somebody. Returns what the queue shall say when it is written; nothing for whoever is not traced.
    pub(crate) fn matched(&self, traced: Option<&mut Traced>, event: &Event) -> Option<NonZeroI64> {
        let traced = traced?;
        if let Some(offset) = event.offset() {
            if traced.sent.len() == SENT_MAX {
                traced.sent.pop_front();
            }
            traced.sent.push_back((event.channel, offset, event.id));
        }
        self.note(traced, event.id, (Milestone::Matched, None));
        NonZeroI64::new(event.id.get())
    }

    /// The socket has taken it.
    pub(crate) fn written(&self, traced: Option<&Traced>, event: Option<NonZeroI64>) {
        self.note_queued(traced, event, (Milestone::Written, None));
    }

    /// It is not written on this connection.
    pub(crate) fn dropped(
        &self,
        traced: Option<&Traced>,
        event: Option<NonZeroI64>,
        reason: DropReason,
    ) {
        self.note_queued(traced, event, (Milestone::Dropped, Some(reason)));
    }

    fn note_queued(&self, traced: Option<&Traced>, event: Option<NonZeroI64>, how: How) {
        if let (Some(traced), Some(event)) = (traced, event)
            && let Ok(event) = EventId::new(event.get())
        {
            self.note(traced, event, how);
        }
    }

    /// The client has everything of the channel up to this offset.
    pub(crate) fn acknowledged(&self, traced: &mut Traced, channel: Channel, through: Offset) {
        let is_meant = |(of, offset, _): &Sent| *of == channel && *offset <= through;
        for (_, _, event) in traced.sent.iter().filter(|sent| is_meant(sent)) {
            self.note(traced, *event, (Milestone::Acknowledged, None));
        }
        traced.sent.retain(|sent| !is_meant(sent));
    }
}

type How = (Milestone, Option<DropReason>);
type Sent = (Channel, Offset, EventId);

/// A connection of somebody who is traced.
#[derive(Debug)]
pub(crate) struct Traced {
    user_id: UserId,
    connection_id: Name,
    /// What it was sent and has not acknowledged.
    sent: VecDeque<Sent>,
}

impl Writer {
    /// Writes for as long as it is polled.
    pub(crate) async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while self.lines.recv_many(&mut batch, BATCH_MAX).await > 0 {
            if let Err(error) = ledger::write(&self.bus, &batch).await {
                tracing::warn!(%error, lines = batch.len(), "a trace has a hole");
                self.lost.inc_by(batch.len() as u64);
            }
            batch.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use shared::{
        flags::{Override, Overrides},
        testing::shared_redis,
        wire::{Class, Epoch, Position},
    };

    use super::*;

    fn event(id: i64, offset: Offset) -> Event {
        Event {
            channel: Channel::User(UserId::new(1).unwrap()),
            position: Some(Position {
                epoch: Epoch::from_bits(1),
                offset,
            }),
            id: EventId::new(id).unwrap(),
            class: Class::Durable,
            control: false,
            kind: "private_message".into(),
            key: None,
            committed_at_ms: 0,
            trace: None,
            body: Bytes::from_static(b"{}"),
        }
    }

    fn ledger(word: Option<Override>) -> (Ledger, Writer) {
        let bus = Bus::new(&shared_redis()).unwrap();
        let words = word.map(|word| ("TRACE".to_owned(), word));
        let switches = Switches::new(bus.clone(), Overrides::new(words));
        let lost = IntCounter::new("lost", "lost").unwrap();
        let meant = (bus, Arc::new(switches));
        Ledger::new(meant, (Clock::System, "gateway-1"), lost)
    }

    #[tokio::test]
    async fn nobody_is_traced_until_somebody_says_so() {
        let (ledger, _writer) = ledger(None);
        let (user, name) = (UserId::new(1).unwrap(), Name::random());
        assert_eq!(ledger.rules(), NOBODY);
        assert!(ledger.traced(user, name).is_none());
    }

    #[tokio::test]
    async fn an_acknowledgement_is_about_everything_before_it_once() {
        let (ledger, mut writer) = ledger(Some(Override::Enabled));
        assert_ne!(ledger.rules(), NOBODY);
        let user = UserId::new(1).unwrap();
        let mut traced = ledger.traced(user, Name::random()).unwrap();
        for number in 1..=3 {
            let event = event(i64::try_from(number).unwrap(), number);
            ledger.matched(Some(&mut traced), &event);
        }
        for through in [2, 2, 3] {
            ledger.acknowledged(&mut traced, Channel::User(user), through);
        }
        let mut acknowledged = Vec::new();
        while let Ok((event, line)) = writer.lines.try_recv() {
            if line.milestone == Milestone::Acknowledged {
                acknowledged.push(event.get());
            }
        }
        assert_eq!(acknowledged, [1, 2, 3]);
        assert!(traced.sent.is_empty());
    }

    #[tokio::test]
    async fn what_nobody_writes_in_time_is_lost_and_counted() {
        let (ledger, _writer) = ledger(Some(Override::Enabled));
        let traced = ledger.traced(UserId::new(1).unwrap(), Name::random());
        let traced = traced.unwrap();
        for _ in 0..=WAITING_MAX {
            ledger.written(Some(&traced), NonZeroI64::new(1));
        }
        assert_eq!(ledger.lost.get(), 1);
    }
}
