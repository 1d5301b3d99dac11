//! Help for tests of all programs; behind the feature `testing`.

mod http_client;
mod wire_client;

pub use http_client::{Answer, HttpClient, NoAnswer};
pub use wire_client::{Connect, ConnectError, Credentials, Received, WireClient};
