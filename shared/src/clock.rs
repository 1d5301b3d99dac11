//! The only source of "now", so that a test can hold time still and move it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};

/// Tells the time; clones of a manual clock share their hands.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that moves only when told to.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A manual clock that stands at `start`.
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.as_millisecond())))
    }

    /// Now, to the millisecond: what SPEC §2 puts on the wire.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now_ms()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Milliseconds since the Unix epoch.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now_ms(&self) -> i64 {
        match self {
            Self::System => Timestamp::now().as_millisecond(),
            Self::Manual(hands) => hands.load(Ordering::SeqCst),
        }
    }

    /// Seconds since the Unix epoch: the unit of an event's `timestamp` and of a token's `exp`.
    pub fn now_seconds(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }

    /// Moves a manual clock; the system's clock does not move for anybody, so there it has no effect.
    pub fn advance(&self, by: SignedDuration) {
        if let Self::Manual(hands) = self {
            let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            hands.fetch_add(by_ms, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let other = clock.clone();
        clock.advance(SignedDuration::from_millis(1500));
        assert_eq!(other.now_ms(), 1500);
        assert_eq!(other.now_seconds(), 1);
    }
}
