//! Logs, metrics, and the second listener that shows health and metrics.

pub mod admin;
mod logging;
pub mod metrics;
mod request_id;

pub use logging::start_logging;
pub use request_id::RequestId;
