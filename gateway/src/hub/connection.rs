//! One connection on its shard.

use std::rc::Rc;

use shared::wire::{Channel, Class, CloseReason};
use smallvec::SmallVec;
use tokio::{net::TcpStream, sync::OwnedSemaphorePermit, task::AbortHandle};

use super::state::Conditions;
use crate::{
    codec::{Deflater, Encoded, Frame, Window},
    metrics::ConnectionGuard,
    roster::Line,
    session::{Path, Session},
    transport::{
        Delivery, Item, Pushed, Queue,
        ws::{Parser, Written, write},
    },
};

/// A connection that has its close frame in the queue, or behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Closing {
    /// The client has said goodbye too: nothing more is waited for once the close frame is written.
    pub(super) answered: bool,
    /// Then it is dropped, whatever is missing.
    pub(super) until_ms: u64,
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
    pub(super) stream: Rc<TcpStream>,
    /// `None` after a violation: nothing that follows can be understood.
    pub(super) parser: Option<Parser>,
    /// Of a client that takes compressed messages.
    window: Option<Window>,
    pub(super) queue: Queue,
    /// The channels it is listed under.
    pub(super) hears: SmallVec<[Channel; 1]>,
    /// In the list of those with something to write.
    pub(super) dirty: bool,
    pub(super) closing: Option<Closing>,
    /// What came before the client was listened to.
    pub(super) unread: Vec<u8>,
    pub(super) reader: Option<Owned>,
    /// Waits until the socket takes more; nobody else writes meanwhile.
    pub(super) writer: Option<Owned>,
    /// Counts it among its user's; `None` once it closes.
    pub(super) line: Option<Line>,
    _guards: (OwnedSemaphorePermit, ConnectionGuard),
}

impl Connection {
    pub(super) fn new(
        session: Session,
        stream: TcpStream,
        (parser, window): (Parser, Option<Window>),
        unread: Vec<u8>,
        line: Line,
        guards: (OwnedSemaphorePermit, ConnectionGuard),
    ) -> Self {
        Self {
            session,
            stream: Rc::new(stream),
            parser: Some(parser),
            window,
            queue: Queue::default(),
            hears: SmallVec::new(),
            dirty: false,
            closing: None,
            unread,
            reader: None,
            writer: None,
            line: Some(line),
            _guards: guards,
        }
    }

    /// Queues an answer. `Err`: the client is too slow.
    pub(super) fn send(
        &mut self,
        frame: &Frame,
        deflater: &mut Deflater,
        conditions: &Conditions,
    ) -> Result<(), CloseReason> {
        let item = Item {
            bytes: deflater.frame_for(self.window, frame).bytes().clone(),
            class: Class::Durable,
            key: None,
            delivery: None,
        };
        self.push(item, conditions)
    }

    /// Queues an event by its class. `Err`: the client is too slow.
    pub(super) fn deliver(
        &mut self,
        (encoded, path): (&Encoded, Path),
        deflater: &mut Deflater,
        conditions: &Conditions,
    ) -> Result<(), CloseReason> {
        let event = &encoded.event;
        let item = Item {
            bytes: encoded.native_for(self.window, deflater).bytes().clone(),
            class: event.class,
            key: event.key.clone(),
            delivery: Some(Delivery {
                class: event.class,
                path,
                committed_at_ms: event.committed_at_ms,
            }),
        };
        self.push(item, conditions)
    }

    fn push(&mut self, item: Item, conditions: &Conditions) -> Result<(), CloseReason> {
        let (bound, metrics) = (conditions.queue, &conditions.metrics);
        if !self.queue.fits(&item, bound) && self.writer.is_none() {
            // Perhaps only the burst is long, and the socket takes it. If not, the next write says so again.
            self.write(conditions);
        }
        let class = item.class;
        match self.queue.push(item, bound, |class| metrics.dropped(class)) {
            Pushed::Queued | Pushed::Replaced => Ok(()),
            Pushed::Dropped => {
                metrics.dropped(class);
                Ok(())
            }
            Pushed::Full => Err(CloseReason::SlowConsumer),
        }
    }

    /// Writes what the socket takes now.
    pub(super) fn write(&mut self, conditions: &Conditions) -> Written {
        let now_ms = conditions.clock.now_ms();
        write(&self.stream, &mut self.queue, |delivery| {
            conditions.metrics.delivered(delivery, now_ms);
        })
    }
}
