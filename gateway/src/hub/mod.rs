//! Who is connected here, who listens to what here.
//!
//! Connections live on shards, one single-threaded runtime per core, placed by user: within a shard nothing is locked, and
//! an event for one person touches one shard. [`Hub`] is what the rest of the node sees of them: bounded inboxes.

mod arrivals;
mod closing;
mod conditions;
mod connection;
mod entries;
mod fanout;
mod flush;
mod inbox;
mod reading;
mod requests;
mod sending;
mod shard;
mod socketio;
mod sockets;
mod state;
mod wheel;

pub(crate) use inbox::{Arrival, Hub, Inbox, Message};
pub(crate) use shard::start;

#[cfg(test)]
mod tests;
