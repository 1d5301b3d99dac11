//! Log lines on standard output.

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, TelemetrySettings};

/// Starts logging for the whole process. Lines never carry tokens, cookies, query strings or message texts: whoever logs
/// sees to that.
///
/// # Errors
///
/// Says what is wrong with the filter, or that logging was started before.
pub fn start_logging(settings: &TelemetrySettings) -> Result<(), String> {
    let filter =
        EnvFilter::try_new(&settings.log_level).map_err(|error| format!("LOG_LEVEL: {error}"))?;
    let registry = tracing_subscriber::registry().with(filter);
    match settings.log_format {
        LogFormat::Json => {
            let lines = fmt::layer()
                .json()
                .flatten_event(true)
                .with_span_list(false);
            registry.with(lines).try_init()
        }
        LogFormat::Text => registry.with(fmt::layer().with_ansi(false)).try_init(),
    }
    .map_err(|error| error.to_string())
}
