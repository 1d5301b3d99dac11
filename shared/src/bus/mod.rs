//! Redis: transport, and cache of the log's tail; never the truth (SPEC §6).
//!
//! [`Bus`] appends, publishes and reads. [`Subscriber`] follows channels for a node: one connection, one subscription a
//! channel however many listen, no gap and no repeat in what it hands on. [`History`] reads what a client missed.

mod backoff;
mod commands;
#[cfg(test)]
mod conformance;
mod connections;
mod flags;
mod flights;
mod head;
mod history;
mod ledger;
mod listed;
mod log;
mod metrics;
mod mirrors;
mod names;
mod notice;
mod present;
mod scripts;
mod subscriber;
mod topology;

pub use commands::{Appended, Bus, BusError, Tail};
pub use history::{History, HistoryError};
pub use log::{LogError, LogFuture, LogPage, LogReader};
pub(crate) use mirrors::NewMirror;
pub use subscriber::{
    Join, JoinError, Joined, ListenerId, Listeners, Replay, Sink, Start, Subscriber,
    SubscriberStopped,
};
