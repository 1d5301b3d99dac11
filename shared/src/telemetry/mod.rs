//! Logs, metrics, and the second listener that shows health and metrics.

pub mod admin;
mod healthcheck;
mod logging;
pub mod metrics;
mod process;
mod request_id;

pub use healthcheck::healthcheck;
pub use logging::{LogCounts, start_logging};
pub use request_id::RequestId;

#[cfg(test)]
mod tests;
