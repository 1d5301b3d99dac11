//! The contract over sockets, made from the code: an `AsyncAPI` 3 document of the native protocol and of Socket.IO's.
//!
//! | file | says |
//! |---|---|
//! | `gateway` | what gateways say and take themselves, by the types in `shared::wire::said` |
//! | `native` | messages of the native protocol: those, and every feature's events and commands |
//! | `socketio` | the same as clients of Socket.IO see it, by the tables in `shared::wire::socketio` |
//! | `document` | the document |

mod document;
mod endpoint;
mod gateway;
mod native;
mod socketio;
#[cfg(test)]
mod tests;

pub(in crate::app) use document::Document;
pub use document::print;
pub(in crate::app) use endpoint::routes;
