//! Sessions that were ended while tokens of theirs are still within their time.
//!
//! `api` writes a mark for each before it publishes `session_revoked`; marks outlive every token. A sentinel key says that
//! the marks are complete: a Redis that lost its data has no sentinel, and then "no mark" means "unknown", not "stands".

use std::time::Duration;

use crate::{
    bus::{Bus, BusError},
    ids::SessionId,
};

/// Whether a session still stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was not ended.
    Stands,
    /// It was ended: refuse its tokens.
    Revoked,
    /// The marks are gone; ask `api`.
    Unknown,
}

/// The marks, kept in Redis.
#[derive(Debug, Clone)]
pub struct Revocations {
    bus: Bus,
}

impl Revocations {
    /// How long a mark stays: longer than any access or resume token lives.
    pub const MARK_LIFETIME: Duration = Duration::from_hours(25);

    /// Marks on this bus's Redis.
    pub fn new(bus: Bus) -> Self {
        Self { bus }
    }

    /// Marks sessions as ended.
    pub async fn mark(&self, sessions: &[SessionId]) -> Result<(), BusError> {
        let names: Vec<String> = sessions.iter().copied().map(mark).collect();
        self.bus.set_marks(&names, Self::MARK_LIFETIME).await
    }

    /// Marks `sessions`, which must be every session ended within [`Self::MARK_LIFETIME`], and says that the marks are
    /// complete. In one call with the sentinel last, so that a Redis that loses its data in between does not end up with a
    /// sentinel and no marks.
    pub async fn restore(&self, sessions: &[SessionId]) -> Result<(), BusError> {
        let marks = sessions.iter().copied().map(mark);
        let names: Vec<String> = marks.chain([SENTINEL.to_owned()]).collect();
        self.bus.set_marks(&names, Self::MARK_LIFETIME).await
    }

    /// Whether the session still stands, in one round trip.
    pub async fn standing(&self, session: SessionId) -> Result<Standing, BusError> {
        let found = self.bus.marks(&Self::asked(session)).await?;
        Ok(Self::read(&found))
    }

    /// The marks that tell of a session.
    pub(crate) fn asked(session: SessionId) -> [String; 2] {
        [SENTINEL.to_owned(), mark(session)]
    }

    /// What it means that these are set, or are not.
    pub(crate) fn read(found: &[bool]) -> Standing {
        match found {
            [_, true] => Standing::Revoked,
            [true, false] => Standing::Stands,
            _ => Standing::Unknown,
        }
    }
}

const SENTINEL: &str = "revocations";

fn mark(session: SessionId) -> String {
    format!("revoked:{session}")
}
