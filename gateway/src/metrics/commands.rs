//! Commands, by name and end.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounterVec};
use shared::telemetry::metrics::{HTTP_SECONDS, Metrics};

use crate::session::{CommandName, CommandResult};

#[derive(Debug)]
pub(crate) struct CommandMetrics {
    total: IntCounterVec,
    seconds: HistogramVec,
}

impl CommandMetrics {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let total = metrics.counters(
            "gateway_commands_total",
            "Commands of clients by their end.",
            &["command", "result"],
        );
        let seconds = metrics.histograms(
            "gateway_command_duration_seconds",
            "From a command's turn to its answer; those that are answered on the spot are not among them.",
            &["command"],
            HTTP_SECONDS,
        );
        for name in CommandName::all() {
            seconds.with_label_values(&[name.label()]);
            for result in CommandResult::ALL {
                total.with_label_values(&[name.label(), result.label()]);
            }
        }
        Self { total, seconds }
    }

    /// A command was answered.
    pub(crate) fn done(&self, name: CommandName, result: CommandResult) {
        let labels = &[name.label(), result.label()];
        self.total.with_label_values(labels).inc();
    }

    /// A command was answered that took this time.
    pub(crate) fn ran(&self, name: CommandName, result: CommandResult, time: Duration) {
        self.done(name, result);
        let seconds = self.seconds.with_label_values(&[name.label()]);
        seconds.observe(time.as_secs_f64());
    }
}
