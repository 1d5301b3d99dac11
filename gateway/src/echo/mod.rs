//! The transports alone, for suites of conformance: servers that say again what they hear. The gateway itself does not use
//! them; they are made of the very parts that it is made of.

mod engine;
mod websocket;
mod words;

pub use engine::{Protocol, serve as serve_engine};
pub use websocket::serve;
