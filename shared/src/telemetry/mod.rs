//! Logs, metrics, traces, and the second listener that shows health and metrics.

pub mod admin;
mod healthcheck;
mod lines;
mod logging;
pub mod metrics;
mod process;
mod request_id;
pub mod trace;

pub use healthcheck::healthcheck;
pub use logging::{LogCounts, start_logging};
pub use request_id::RequestId;

#[cfg(test)]
mod tests;
