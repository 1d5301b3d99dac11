//! What is done again and again.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// Ticks at once, and then every `period`, which must not be zero. Whoever comes late to a tick waits a whole period for the next:
/// what was missed is not made up for, all at once, by somebody who is late already.
pub fn every(period: Duration) -> Interval {
    every_from(Instant::now(), period)
}

/// The same, from `first` on.
pub fn every_from(first: Instant, period: Duration) -> Interval {
    let mut ticks = interval_at(first, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
