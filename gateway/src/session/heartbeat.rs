//! Signs of life in both directions.

use super::Now;

/// How often, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Intervals {
    /// After so long without a frame of ours, a heartbeat.
    pub(crate) heartbeat_ms: u64,
    /// After so long without a frame of the client's, a ping; after twice as long, the end.
    pub(crate) ping_ms: u64,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Heartbeat,
    Ping,
    /// Two silent intervals.
    Dead,
}

/// When each side was last heard. Activity only writes a number: what follows from it is worked out at the next tick.
#[derive(Debug)]
pub(super) struct Pulse {
    sent_at_ms: u64,
    heard_at_ms: u64,
    /// Taken off the first interval.
    lead_ms: u32,
    pinged: bool,
}

impl Pulse {
    /// `jitter` (0 to 1) shortens the first interval by up to a half, so that clients who came together do not beat
    /// together.
    pub(super) fn new(intervals: Intervals, jitter: f64, now: Now) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a fraction of an interval"
        )]
        let lead_ms = (intervals.heartbeat_ms as f64 * 0.5 * jitter) as u32;
        Self {
            sent_at_ms: now.elapsed_ms,
            lead_ms,
            heard_at_ms: now.elapsed_ms,
            pinged: false,
        }
    }

    pub(super) fn sent(&mut self, now: Now) {
        self.sent_at_ms = now.elapsed_ms;
    }

    pub(super) fn heard(&mut self, now: Now) {
        self.heard_at_ms = now.elapsed_ms;
        self.pinged = false;
    }

    /// One thing that is due now; ask again until nothing is.
    pub(super) fn due(&mut self, intervals: Intervals, now: Now) -> Due {
        let silent_ms = now.elapsed_ms.saturating_sub(self.heard_at_ms);
        if silent_ms >= 2 * intervals.ping_ms {
            return Due::Dead;
        }
        if silent_ms >= intervals.ping_ms && !self.pinged {
            self.pinged = true;
            return Due::Ping;
        }
        if now.elapsed_ms >= self.heartbeat_at_ms(intervals) {
            self.sent_at_ms = now.elapsed_ms;
            self.lead_ms = 0;
            return Due::Heartbeat;
        }
        Due::Nothing
    }

    /// When something will be due if nothing happens before.
    pub(super) fn next_at_ms(&self, intervals: Intervals) -> u64 {
        let silences = if self.pinged { 2 } else { 1 };
        let ping_at_ms = self.heard_at_ms + silences * intervals.ping_ms;
        ping_at_ms.min(self.heartbeat_at_ms(intervals))
    }

    fn heartbeat_at_ms(&self, intervals: Intervals) -> u64 {
        (self.sent_at_ms + intervals.heartbeat_ms).saturating_sub(u64::from(self.lead_ms))
    }
}
