//! How what a session says looks on the way to its client.

use std::collections::BTreeMap;

use bytes::Bytes;
use shared::wire::{Channel, CloseReason, Event, Position};

use super::{Delivery, EventStream, Poll, Queue, SocketIo};
use crate::codec::{Deflater, Encoded, Frame, Window, native::ChannelStart, socketio};

/// By what a client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    WebSocket,
    EventStream,
    Poll,
    SocketIo,
}

impl Transport {
    pub(crate) const ALL: [Self; 4] = [
        Self::WebSocket,
        Self::EventStream,
        Self::Poll,
        Self::SocketIo,
    ];

    /// As a metric's label.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::EventStream => "sse",
            Self::Poll => "poll",
            Self::SocketIo => "socketio",
        }
    }

    /// Where it is asked for.
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path {
            "/ws" => Some(Self::WebSocket),
            "/events" => Some(Self::EventStream),
            "/events/poll" => Some(Self::Poll),
            "/socket.io/" | "/socket.io" => Some(Self::SocketIo),
            _ => None,
        }
    }
}

/// What a client of the native protocol and we have agreed to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// Of a client that takes compressed messages.
    pub(crate) window: Option<Window>,
    /// Whether a message is several objects, each on a line, in both directions.
    pub(crate) lines: bool,
}

/// One connection's way out. What is made here goes into its [`Queue`] and no other way.
#[derive(Debug)]
pub(crate) enum Outlet {
    WebSocket(Terms),
    EventStream(Box<EventStream>),
    Poll(Box<Poll>),
    SocketIo(Box<SocketIo>),
}

impl Outlet {
    pub(crate) fn transport(&self) -> Transport {
        match self {
            Self::WebSocket(_) => Transport::WebSocket,
            Self::EventStream(_) => Transport::EventStream,
            Self::Poll(_) => Transport::Poll,
            Self::SocketIo(_) => Transport::SocketIo,
        }
    }

    /// Whether the client can say something, be it only that it is alive. Where it cannot, the kernel says so: what is sent
    /// and never acknowledged ends the connection.
    pub(crate) fn is_two_way(&self) -> bool {
        matches!(self, Self::WebSocket(_) | Self::SocketIo(_))
    }

    /// Whether the client was allowed to compress what it says; `None` where it says nothing.
    pub(crate) fn hears_compressed(&self) -> Option<bool> {
        match self {
            Self::WebSocket(terms) => Some(terms.window.is_some()),
            Self::SocketIo(socket) => Some(socket.is_compressed()),
            Self::EventStream(_) | Self::Poll(_) => None,
        }
    }

    /// Whether a message is several objects, each on a line.
    pub(crate) fn is_in_lines(&self) -> bool {
        matches!(self, Self::WebSocket(terms) if terms.lines)
    }

    /// Whether a heartbeat is told. The clients of Socket.IO have pings instead, and nobody sees what a poll collects.
    pub(crate) fn beats(&self) -> bool {
        matches!(self, Self::WebSocket(_) | Self::EventStream(_))
    }

    /// What goes before everything else.
    pub(crate) fn opening(&self) -> Option<Bytes> {
        match self {
            Self::EventStream(stream) => Some(stream.opening()),
            Self::WebSocket(_) | Self::Poll(_) | Self::SocketIo(_) => None,
        }
    }

    /// A frame of the session, for the queue.
    pub(crate) fn frame(&self, frame: &Frame, deflater: &mut Deflater) -> Bytes {
        match self {
            Self::WebSocket(terms) => deflater.frame_for(terms.window, frame).bytes().clone(),
            Self::EventStream(stream) => stream.frame(frame),
            Self::Poll(_) => Bytes::copy_from_slice(frame.payload()),
            Self::SocketIo(_) => SocketIo::frame(frame),
        }
    }

    /// An event, for the queue.
    pub(crate) fn event(&mut self, encoded: &Encoded, deflater: &mut Deflater) -> Bytes {
        match self {
            Self::WebSocket(terms) => encoded.native_for(terms.window, deflater).bytes().clone(),
            Self::EventStream(stream) => stream.event(encoded),
            Self::Poll(_) => encoded.native().payload_bytes(),
            Self::SocketIo(socket) => socket.event(encoded),
        }
    }

    /// The event is in the queue, or was not worth being there.
    pub(crate) fn took(&mut self, event: &Event) {
        if let (Self::Poll(poll), Some(position)) = (self, event.position) {
            poll.moved(event.channel, position);
        }
    }

    /// `welcome`, for the queue, where it tells the client something new.
    pub(crate) fn welcome(
        &mut self,
        frame: &Frame,
        starts: &BTreeMap<Channel, ChannelStart>,
        deflater: &mut Deflater,
    ) -> Option<Bytes> {
        match self {
            Self::WebSocket(_) => Some(self.frame(frame, deflater)),
            Self::EventStream(stream) => Some(stream.welcome(frame, starts)),
            Self::SocketIo(socket) => Some(socket.welcome(frame, starts)),
            Self::Poll(poll) => {
                let tells = poll.welcome(starts);
                tells.then(|| self.frame(frame, deflater))
            }
        }
    }

    /// The client's stream of this channel goes on from there.
    pub(crate) fn moved(&mut self, channel: Channel, position: Position) {
        match self {
            Self::WebSocket(_) => {}
            Self::EventStream(stream) => stream.moved(channel, position),
            Self::Poll(poll) => poll.moved(channel, position),
            Self::SocketIo(socket) => socket.moved(channel, position),
        }
    }

    /// The client hears this channel no more.
    pub(crate) fn left(&mut self, channel: Channel) {
        match self {
            Self::WebSocket(_) => {}
            Self::EventStream(stream) => stream.left(channel),
            Self::Poll(poll) => poll.left(channel),
            Self::SocketIo(socket) => socket.left(channel),
        }
    }

    /// Asks for a sign of life.
    pub(crate) fn ping(&self, now_ms: u64) -> Option<Frame> {
        match self {
            Self::WebSocket(_) => Some(Frame::ping(now_ms)),
            Self::SocketIo(_) => Some(socketio::ping()),
            Self::EventStream(_) | Self::Poll(_) => None,
        }
    }

    /// Whether the queue is kept until it makes one answer.
    pub(crate) fn collects(&self) -> bool {
        matches!(self, Self::Poll(_))
    }

    /// Queues the last that is said. `done` hears of every event that was put into an answer.
    pub(crate) fn goodbye(
        &mut self,
        queue: &mut Queue,
        (reason, retry_after_ms): (CloseReason, Option<u64>),
        done: impl FnMut(Delivery),
    ) {
        // Whoever was too slow for what waits gets nothing of it.
        let instead = reason == CloseReason::SlowConsumer;
        match self {
            Self::WebSocket(_) => {
                let close = Frame::close(reason, retry_after_ms);
                queue.push_last(close.bytes().clone(), instead);
            }
            Self::SocketIo(_) => {
                queue.push_last(SocketIo::goodbye(reason, retry_after_ms), instead);
            }
            Self::EventStream(stream) => {
                queue.push_last(stream.goodbye(reason, retry_after_ms), instead);
            }
            Self::Poll(poll) => {
                let events = queue.take_all(done);
                queue.push_last(poll.answer(events, reason, retry_after_ms), false);
            }
        }
    }
}
