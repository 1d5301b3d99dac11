//! How late things were: a histogram that processes can tell each other.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest time that is told from longer ones: a minute.
const US_MAX: u64 = 60_000_000;

/// Times in microseconds, to two digits.
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, US_MAX, 2).expect("the bounds are valid"))
    }
}

impl Latencies {
    pub(crate) fn record(&mut self, us: u64) {
        self.0.saturating_record(us);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time within which this share of all was, in milliseconds.
    pub(crate) fn quantile_ms(&self, share: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "at most a minute")]
        let us = self.0.value_at_quantile(share) as f64;
        us / 1000.0
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    pub(crate) fn to_buckets(&self) -> Buckets {
        let recorded = self.0.iter_recorded();
        let buckets = recorded.map(|b| (b.value_iterated_to(), b.count_at_value()));
        Buckets(buckets.collect())
    }
}

/// A histogram on its way from one process to another: values and how often.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Buckets(Vec<(u64, u64)>);

impl From<Buckets> for Latencies {
    fn from(Buckets(buckets): Buckets) -> Self {
        let mut latencies = Self::default();
        for (value, count) in buckets {
            latencies.0.saturating_record_n(value, count);
        }
        latencies
    }
}
