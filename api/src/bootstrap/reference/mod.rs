//! A client, in Rust: what it knows, and what it does with each event and each page of changes. docs/protocol.md ("State
//! and stream") says the same in words; the tests hold both against the state as it is fetched.

mod reducer;
mod state;
mod stream;

pub(crate) use state::State;
pub(crate) use stream::Client;
