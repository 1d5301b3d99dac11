//! Waiting with an end: every wait of this tool has a deadline and gives way to a wish to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How often a condition is looked at again.
const INTERVAL: Duration = Duration::from_millis(40);

/// How many times somebody has asked us to stop: once means in order, twice means now.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopWishes {
    all: Arc<AtomicUsize>,
    /// How many came before this view of them was made.
    earlier: usize,
}

impl StopWishes {
    /// One more wish.
    pub(crate) fn add(&self) {
        self.all.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether there is one.
    pub(crate) fn any(&self) -> bool {
        self.all.load(Ordering::SeqCst) > self.earlier
    }

    /// Only those still to come: while stopping, one more means "now".
    pub(crate) fn further(&self) -> Self {
        Self {
            all: Arc::clone(&self.all),
            earlier: self.all.load(Ordering::SeqCst),
        }
    }
}

/// Looks at `condition` until it gives a value. `Ok(None)` when `limit` has passed;
/// [`Error::Interrupted`] as soon as there is a wish to stop.
pub(crate) fn wait_for<T>(
    doing: &str,
    limit: Duration,
    stop: &StopWishes,
    mut condition: impl FnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    let deadline = now() + limit;
    loop {
        if let Some(value) = condition()? {
            return Ok(Some(value));
        }
        if stop.any() {
            return Err(Error::Interrupted(doing.to_owned()));
        }
        if now() >= deadline {
            return Ok(None);
        }
        pause();
    }
}

/// Sleeps for one interval.
#[expect(
    clippy::disallowed_methods,
    reason = "no async runtime here whose thread could be blocked"
)]
pub(crate) fn pause() {
    std::thread::sleep(INTERVAL);
}

/// For deadlines and for telling how long a step took.
#[expect(
    clippy::disallowed_methods,
    reason = "no async runtime here whose clock could be used"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
