//! Frames in, frames out, close; nothing about events. [`ws`] is the only place that knows fastwebsockets.

pub(crate) mod ws;
