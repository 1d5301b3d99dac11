//! Frames in, frames out, close; nothing about events. [`ws`] is the only place that knows fastwebsockets.

mod queue;
pub(crate) mod ws;

pub(crate) use queue::{Delivery, Item, Pushed, Queue};

#[cfg(test)]
mod tests;
