//! How many traces a process begins in a second, whatever its callers wish.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Traces of a second. Callers choose what is recorded, so there must be an end to it.
pub(super) const TRACES_PER_SECOND: u32 = 100;

/// What is left of this second.
#[derive(Debug)]
pub(super) struct Budget(Mutex<(Instant, u32)>);

impl Budget {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new((now, TRACES_PER_SECOND)))
    }

    /// Whether one more may be recorded.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, left) = &mut *held;
        if now.duration_since(*since) >= Duration::from_secs(1) {
            (*since, *left) = (now, TRACES_PER_SECOND);
        }
        match left.checked_sub(1) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        }
    }
}
