//! Help for tests of all programs; behind the feature `testing`.

mod http_client;

pub use http_client::{Answer, HttpClient, NoAnswer};
