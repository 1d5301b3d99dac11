//! How long to wait before trying again.

use std::time::Duration;

/// Grows with every failure up to a bound; half of it is chance, so that nodes do not come back in step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    first: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    pub(super) const fn new(first: Duration, max: Duration) -> Self {
        Self {
            first,
            max,
            failures: 0,
        }
    }

    /// Counts a failure: the wait after it.
    pub(super) fn next_wait(&mut self) -> Duration {
        let doubled = self.first.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        doubled.min(self.max).mul_f64(rand::random_range(0.5..=1.0))
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_its_bound_and_starts_over() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        for _ in 0..2 {
            for full_ms in [100, 200, 400, 800, 1000, 1000] {
                let full = Duration::from_millis(full_ms);
                let wait = backoff.next_wait();
                assert!(full / 2 <= wait && wait <= full, "{wait:?} of {full:?}");
            }
            backoff.reset();
        }
    }
}
