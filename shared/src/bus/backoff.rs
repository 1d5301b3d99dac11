//! How long to wait before trying again.

use std::time::Duration;

/// The first pause and the longest.
#[derive(Debug, Clone, Copy)]
pub(in crate::bus) struct Pauses {
    pub(in crate::bus) first: Duration,
    pub(in crate::bus) max: Duration,
}

/// Failures in a row. The pause grows with every one up to a bound; half of it is chance, so that nodes do not come back in
/// step.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::bus) struct Failures(u8);

impl Failures {
    /// Counts a failure: the wait after it.
    pub(in crate::bus) fn next_wait(&mut self, pauses: &Pauses) -> Duration {
        let doubled = pauses.first.saturating_mul(1 << self.0.min(16));
        self.0 = self.0.saturating_add(1);
        doubled
            .min(pauses.max)
            .mul_f64(rand::random_range(0.5..=1.0))
    }

    pub(in crate::bus) fn reset(&mut self) {
        self.0 = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_its_bound_and_starts_over() {
        let pauses = Pauses {
            first: Duration::from_millis(100),
            max: Duration::from_secs(1),
        };
        let mut failures = Failures::default();
        for _ in 0..2 {
            for full_ms in [100, 200, 400, 800, 1000, 1000] {
                let full = Duration::from_millis(full_ms);
                let wait = failures.next_wait(&pauses);
                assert!(full / 2 <= wait && wait <= full, "{wait:?} of {full:?}");
            }
            failures.reset();
        }
    }
}
