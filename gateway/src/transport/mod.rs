//! How bytes come in and go out, and how a connection's messages look on the way; nothing about what they mean.
//!
//! A connection is a socket, a [`Queue`] and an [`Outlet`]. The session speaks of frames and events; the outlet dresses them
//! as its transport wants them: WebSocket frames, Server-Sent Events, the answer to a poll. Everything else (session, resume,
//! queue, limits, drain) is the same for all of them. [`ws`] is the only place that knows fastwebsockets.

mod cursor;
mod event_stream;
mod last_words;
mod outlet;
mod poll;
mod queue;
mod socketio;
pub(crate) mod spare;
mod writer;
pub(crate) mod ws;

pub(crate) use cursor::Cursor;
pub(crate) use event_stream::EventStream;
pub(crate) use last_words::last_words;
pub(crate) use outlet::{Outlet, Terms, Transport};
pub(crate) use poll::Poll;
pub(crate) use queue::{Delivery, Gone, Item, Pushed, Queue};
pub(crate) use socketio::{Shown, SocketIo};
pub(crate) use writer::{Sent, Written, end, write};

#[cfg(test)]
mod tests;
