//! What operators have switched off: the rules of feature flags, read from Redis, because this program never asks PostgreSQL.
//!
//! While Redis is away, or has none, the rules stay as they were; at the start they are as declared.

use shared::{
    bus::Bus,
    flags::{FLAGS_READ_EVERY, Flag, FlagBook, Overrides, ROOMS},
    ids::UserId,
    ticks,
    wire::{Channel, Code, Event, Problem},
};

/// The switches of one node.
#[derive(Debug)]
pub(crate) struct Switches {
    book: FlagBook,
    bus: Bus,
}

impl Switches {
    pub(crate) fn new(bus: Bus, overrides: Overrides) -> Self {
        Self {
            book: FlagBook::new(overrides),
            bus,
        }
    }

    /// Follows the rules for as long as it is polled.
    pub(crate) async fn keep(&self) {
        let mut ticks = ticks::every(FLAGS_READ_EVERY);
        loop {
            ticks.tick().await;
            match self.bus.flags(self.book.version()).await {
                Ok(Some(table)) => self.book.keep(table),
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "feature flags stay as they were"),
            }
        }
    }

    /// Refuses who does not have the flag.
    pub(crate) fn require(&self, flag: &Flag, user: UserId) -> Result<(), Box<Problem>> {
        if self.book.has(flag, user) {
            return Ok(());
        }
        let code = Code::FeatureUnavailable;
        Err(Box::new(Problem::new(code, code.title())))
    }

    /// Whether anybody may have it.
    pub(crate) fn is_on(&self, flag: &Flag) -> bool {
        self.book.is_switched_on(flag)
    }

    /// Whether somebody has it.
    pub(crate) fn has(&self, flag: &Flag, user: UserId) -> bool {
        self.book.has(flag, user)
    }

    /// Of the rules as they are here; `None` before they were read.
    pub(crate) fn version(&self) -> Option<i64> {
        self.book.version()
    }

    /// Whether an event goes on to connections: what is said in a room is not, while there are none. What gateways act on is.
    pub(crate) fn lets_through(&self, event: &Event) -> bool {
        event.control || !matches!(event.channel, Channel::Post(_)) || self.is_on(&ROOMS)
    }
}
