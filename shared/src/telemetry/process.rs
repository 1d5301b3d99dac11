//! What every process tells about itself: what was built, whether it is ready, how late its timers are.

use std::time::Duration;

use prometheus::{Histogram, IntGauge};
use tokio::{runtime::Handle, time::Instant};

use super::metrics::{IN_PROCESS_SECONDS, Metrics};
use crate::{
    lifecycle::{Lifecycle, Phase},
    ticks,
};

/// How often the runtime's lateness is measured: often enough to see a stall of a quarter of a second, and for the cost of twenty
/// wake-ups a second.
const LAG_PERIOD: Duration = Duration::from_millis(50);

/// The gauges that are set when somebody looks.
#[derive(Debug, Clone)]
pub(super) struct Process {
    ready: IntGauge,
    draining: IntGauge,
    tasks: IntGauge,
    lag: Histogram,
}

impl Process {
    pub(super) fn register(metrics: &Metrics) -> Self {
        let labels = ["version", "commit", "rustc"];
        let build = metrics.gauges("build_info", "What this program was built from.", &labels);
        let commit = option_env!("HUBBUB_COMMIT").unwrap_or("unknown");
        let values = [env!("CARGO_PKG_VERSION"), commit, env!("HUBBUB_RUSTC")];
        build.with_label_values(&values).set(1);
        Self {
            ready: metrics.gauge("ready", "1 when /readyz says so."),
            draining: metrics.gauge("draining", "1 once the process was told to stop."),
            tasks: metrics.gauge(
                "runtime_tasks",
                "Tasks of the main runtime that have not ended.",
            ),
            lag: metrics.histogram(
                "runtime_lag_seconds",
                "How late a timer of the main runtime fires.",
                IN_PROCESS_SECONDS,
            ),
        }
    }

    /// Sets the gauges to what is true now. Must be called on the runtime whose tasks are counted.
    pub(super) fn look(&self, lifecycle: &Lifecycle) {
        let phase = lifecycle.phase();
        self.ready.set(i64::from(lifecycle.takes_traffic()));
        self.draining.set(i64::from(phase == Phase::Draining));
        let tasks = Handle::current().metrics().num_alive_tasks();
        self.tasks.set(i64::try_from(tasks).unwrap_or(i64::MAX));
    }

    /// Measures for ever.
    pub(super) async fn watch_lag(self) {
        let mut ticks = ticks::every(LAG_PERIOD);
        loop {
            let due = ticks.tick().await;
            self.lag
                .observe(Instant::now().duration_since(due).as_secs_f64());
        }
    }
}
