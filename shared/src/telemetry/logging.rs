//! Log lines on standard output, and how many there were.

use prometheus::{IntCounter, IntCounterVec, Opts};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, fmt,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

use super::{
    lines::{JsonLines, SpanFields},
    metrics::{Metrics, NAMESPACE},
};
use crate::config::{LogFormat, TelemetrySettings};

/// Starts logging for the whole process. Lines never carry tokens, cookies, query strings or message texts: whoever logs
/// sees to that. What it answers counts them, and is to be shown beside the other metrics.
///
/// # Errors
///
/// Says what is wrong with the filter, or that logging was started before.
pub fn start_logging(settings: &TelemetrySettings, service: &str) -> Result<LogCounts, String> {
    let filter =
        EnvFilter::try_new(&settings.log_level).map_err(|error| format!("LOG_LEVEL: {error}"))?;
    let counts = LogCounts::new();
    let registry = tracing_subscriber::registry()
        .with(filter)
        .with(Troubles::of(&counts));
    match settings.log_format {
        LogFormat::Json => {
            let lines = JsonLines {
                service: service.to_owned(),
                node: settings.node_name.clone(),
            };
            let lines = fmt::layer().fmt_fields(SpanFields).event_format(lines);
            registry.with(lines).try_init()
        }
        LogFormat::Text => registry.with(fmt::layer().with_ansi(false)).try_init(),
    }
    .map_err(|error| error.to_string())?;
    Ok(counts)
}

/// How many lines of the log told of trouble, by level.
#[derive(Debug)]
pub struct LogCounts(IntCounterVec);

impl LogCounts {
    fn new() -> Self {
        let help = "Lines of the log that tell of trouble.";
        let options = Opts::new("log_events_total", help).namespace(NAMESPACE);
        let counts = IntCounterVec::new(options, &["level"]);
        Self(counts.expect("the name and the label are valid"))
    }

    /// Shows them among a program's metrics.
    pub fn register(self, metrics: &Metrics) {
        metrics.adopt(self.0);
    }
}

/// Counts lines that tell of trouble, for those who have no store of logs.
struct Troubles {
    errors: IntCounter,
    warnings: IntCounter,
}

impl Troubles {
    fn of(LogCounts(lines): &LogCounts) -> Self {
        Self {
            errors: lines.with_label_values(&["error"]),
            warnings: lines.with_label_values(&["warn"]),
        }
    }
}

impl<S: Subscriber> Layer<S> for Troubles {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        match *event.metadata().level() {
            Level::ERROR => self.errors.inc(),
            Level::WARN => self.warnings.inc(),
            _ => {}
        }
    }
}
