//! Helpers around the `prometheus` crate: metrics of one process, in one registry that is passed along.
//!
//! Bucket bounds are not whole numbers where a bound could be written in two ways (`1` and `1.0`): encoders disagree.

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder, core::Collector,
};

/// What every name begins with.
pub(super) const NAMESPACE: &str = "hubbub";

/// HTTP durations, in seconds.
pub const HTTP_SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.5, 2.5, 5.0, 10.0,
];
/// From commit to socket, in seconds.
pub const DELIVERY_SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 0.75, 1.5, 2.5, 5.0, 10.0, 30.0,
];
/// What happens within a process or a Redis round trip, in seconds.
pub const IN_PROCESS_SECONDS: &[f64] = &[
    0.000_025, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
];
/// Numbers of things: how many heard an event, how many were replayed.
pub const COUNTS: &[f64] = &[
    1.5, 2.5, 5.5, 10.5, 25.5, 100.5, 250.5, 1000.5, 5000.5, 25_000.5, 100_000.5,
];
/// Lifetimes of connections, in seconds.
pub const LIFETIME_SECONDS: &[f64] = &[
    1.5, 10.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 43200.0, 86401.0,
];

/// Registers metrics under the product's prefix.
///
/// A name that is taken or malformed is a defect of the program that shows at its first start, so it ends it.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        registry
            .register(Box::new(
                prometheus::process_collector::ProcessCollector::for_self(),
            ))
            .expect("the registry is empty");
        Self { registry }
    }
}

macro_rules! register {
    ($self:ident, $metric:expr) => {{
        let metric = $metric.expect("metric names and buckets are valid");
        $self
            .registry
            .register(Box::new(metric.clone()))
            .expect("metric names are unique");
        metric
    }};
}

impl Metrics {
    /// A counter; `name` comes without the prefix and with `_total`.
    pub fn counter(&self, name: &str, help: &str) -> IntCounter {
        register!(self, IntCounter::with_opts(options(name, help)))
    }

    /// Counters by label.
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        register!(self, IntCounterVec::new(options(name, help), labels))
    }

    /// A gauge.
    pub fn gauge(&self, name: &str, help: &str) -> IntGauge {
        register!(self, IntGauge::with_opts(options(name, help)))
    }

    /// Gauges by label.
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        register!(self, IntGaugeVec::new(options(name, help), labels))
    }

    /// A histogram with the given upper bounds.
    pub fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        register!(
            self,
            Histogram::with_opts(histogram_options(name, help, buckets))
        )
    }

    /// Histograms by label.
    pub fn histograms(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> HistogramVec {
        register!(
            self,
            HistogramVec::new(histogram_options(name, help, buckets), labels)
        )
    }

    /// Shows what was made before there was a registry.
    pub(super) fn adopt(&self, collector: impl Collector + 'static) {
        self.registry
            .register(Box::new(collector))
            .expect("metric names are unique");
    }

    /// The text exposition format.
    ///
    /// # Errors
    ///
    /// Metrics that contradict each other, which their registration rules out.
    pub fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace(NAMESPACE)
}

fn histogram_options(name: &str, help: &str, buckets: &[f64]) -> HistogramOpts {
    HistogramOpts::new(name, help)
        .namespace(NAMESPACE)
        .buckets(buckets.to_vec())
}
