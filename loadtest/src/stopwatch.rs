//! Time that processes of one machine agree on.

use nix::time::{ClockId, clock_gettime};

/// Microseconds since the machine started.
pub(crate) fn now_us() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every system has this clock");
    let (seconds, nanoseconds) = (time.tv_sec(), time.tv_nsec());
    u64::try_from(seconds * 1_000_000 + nanoseconds / 1000).expect("it counts from zero")
}
