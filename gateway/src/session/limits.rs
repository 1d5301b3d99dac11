//! How much a client may ask for.

use super::Now;

/// What to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    /// Answer `rate_limited`.
    Refused {
        retry_after_ms: u64,
    },
    /// The client does not listen to refusals: close.
    Flood,
}

/// Commands a second, and the patience with frames that cannot be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CommandLimits {
    /// Commands a second in the long run; `None` for load tests.
    pub(crate) per_second: Option<u32>,
    /// Commands at once after a pause.
    pub(crate) burst: u32,
}

impl CommandLimits {
    /// A full bucket, in thousandths of a command.
    fn full(self) -> u32 {
        self.burst.saturating_mul(1000)
    }
}

/// Refusals in a row after which nobody seems to read them. Below the frames that a queue holds.
const REFUSED_MAX: u16 = 100;
/// Unreadable frames in a row that are answered; the next one closes.
const MALFORMED_MAX: u16 = 5;

/// A token bucket, in thousandths of a command, and two counters.
#[derive(Debug)]
pub(super) struct Allowance {
    thousandths: u32,
    filled_at_ms: u64,
    refused: u16,
    malformed: u16,
}

impl Allowance {
    pub(super) fn new(limits: CommandLimits, now: Now) -> Self {
        Self {
            thousandths: limits.full(),
            filled_at_ms: now.elapsed_ms,
            refused: 0,
            malformed: 0,
        }
    }

    /// Takes one command from the bucket.
    pub(super) fn take(&mut self, limits: CommandLimits, now: Now) -> Verdict {
        let Some(per_second) = limits.per_second else {
            return Verdict::Allowed;
        };
        let rate = u64::from(per_second);
        let passed_ms = now.elapsed_ms.saturating_sub(self.filled_at_ms);
        self.filled_at_ms = now.elapsed_ms;
        // Commands a second are thousandths a millisecond.
        let gained = u32::try_from(passed_ms.saturating_mul(rate)).unwrap_or(u32::MAX);
        self.thousandths = limits.full().min(self.thousandths.saturating_add(gained));
        if self.thousandths >= 1000 {
            self.thousandths -= 1000;
            self.refused = 0;
            return Verdict::Allowed;
        }
        self.refused += 1;
        if self.refused > REFUSED_MAX {
            return Verdict::Flood;
        }
        let retry_after_ms = u64::from(1000 - self.thousandths).div_ceil(rate);
        Verdict::Refused { retry_after_ms }
    }

    /// Counts a frame that could not be read; true when it was one too many.
    pub(super) fn malformed(&mut self) -> bool {
        self.malformed += 1;
        self.malformed > MALFORMED_MAX
    }

    /// Forgets the unreadable frames before.
    pub(super) fn well_formed(&mut self) {
        self.malformed = 0;
    }
}
