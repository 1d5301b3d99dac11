//! What a shard does about each message, and each piece of what a client said.

use std::{mem, ops::ControlFlow, sync::Arc};

use bytes::Bytes;
use shared::{
    bus::Joined,
    connections::Name,
    wire::{Channel, CloseReason, Position},
};

use super::{
    entries::Key,
    inbox::{self, Missed},
    state::{State, Task},
};
use crate::{
    codec::{Control, Encoded, Frame, native},
    session::{Effect, Session},
    transport::ws,
};

impl State {
    /// A message from outside the shard, except arrivals and the end, which are the shard's own.
    pub(super) fn on_message(&mut self, message: inbox::Message) {
        match message {
            inbox::Message::Event(encoded) => self.on_event(&encoded),
            inbox::Message::Joined(joined) => self.on_joined(&joined),
            inbox::Message::Lost(channel, position) => self.on_lost(channel, position),
            inbox::Message::Drain(window) => {
                self.draining = true;
                self.add_task(Task::Drain(window));
            }
            inbox::Message::Arrived(_) | inbox::Message::Stop => {}
        }
    }

    fn on_event(&mut self, encoded: &Arc<Encoded>) {
        if let Some(Control::ConnectionReplaced(name)) = encoded.control {
            return self.on_replaced(encoded.event.channel, name);
        }
        self.for_each_hearer(encoded.event.channel, |state, key| {
            state.input(key, |session, _, effects| {
                session.on_event(encoded, effects);
            });
        });
    }

    /// Somebody has one connection too many, and this is the oldest. It is nobody else's business.
    fn on_replaced(&mut self, channel: Channel, name: Name) {
        self.for_each_hearer(channel, |state, key| {
            let connection = state.get(key);
            let line = connection.and_then(|connection| connection.line.as_ref());
            if line.is_some_and(|line| line.connection().name == name) {
                state.close(key, CloseReason::ReplacedByNewer, None);
            }
        });
    }

    fn on_joined(&mut self, joined: &Joined) {
        let Joined {
            channel,
            token,
            outcome,
        } = *joined;
        self.input(Key::from_token(token), |session, now, effects| {
            session.on_joined(channel, outcome, now, effects);
        });
    }

    fn on_lost(&mut self, channel: Channel, position: Position) {
        self.for_each_hearer(channel, |state, key| {
            state.input(key, |session, _, effects| {
                session.on_lost(channel, position, effects);
            });
        });
    }

    /// The shard did not keep up: whoever missed something, or is about to, resumes.
    pub(super) fn on_missed(&mut self, missed: Missed) {
        tracing::warn!(
            channels = missed.channels.len(),
            joins = missed.tokens.len(),
            "a shard's inbox was full"
        );
        for channel in missed.channels {
            self.for_each_hearer(channel, |state, key| {
                state.close(key, CloseReason::PositionLost, None);
            });
        }
        for token in missed.tokens {
            self.close(Key::from_token(token), CloseReason::PositionLost, None);
        }
    }

    fn for_each_hearer(&mut self, channel: Channel, mut act: impl FnMut(&mut Self, Key)) {
        let mut audience = mem::take(&mut self.audience);
        self.hearers(channel, &mut audience);
        for key in audience.drain(..) {
            act(self, key);
        }
        self.audience = audience;
    }

    /// Bytes from a client. Says whether to read on.
    pub(super) fn on_bytes(&mut self, key: Key, bytes: &mut [u8]) -> ControlFlow<()> {
        let Some(connection) = self.get(key) else {
            return ControlFlow::Break(());
        };
        // Taken out, so that what it finds can be acted upon while it goes on.
        let Some(mut parser) = connection.parser.take() else {
            // After a violation nothing is understood, only waited for: the end.
            return ControlFlow::Continue(());
        };
        let mut inflater = mem::take(&mut self.inflater);
        let fed = parser.feed(bytes, &mut inflater, |message| self.on_said(key, message));
        self.inflater = inflater;
        match fed {
            Ok(()) => {
                if let Some(connection) = self.get(key) {
                    connection.parser = Some(parser);
                }
            }
            Err(violation) => self.close(key, violation.close_reason(), None),
        }
        ControlFlow::Continue(())
    }

    fn on_said(&mut self, key: Key, message: ws::Message<'_>) -> ControlFlow<()> {
        self.conditions.metrics.frames_in.inc();
        self.input(key, |session, now, _| session.on_heard(now));
        match message {
            ws::Message::Text(text) => {
                let text = Bytes::copy_from_slice(text.as_bytes());
                self.input(key, |session, now, effects| {
                    session.on_text(text, now, effects);
                });
            }
            ws::Message::Binary(_) => self.close(key, CloseReason::BinaryNotAccepted, None),
            ws::Message::Ping(payload) => self.answer(key, &Frame::pong(payload)),
            ws::Message::Pong => {}
            ws::Message::Close(code) => {
                self.on_close_frame(key, code);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    /// The node drains: the client shall come back after a while, and not here.
    pub(super) fn send_away(&mut self, key: Key, after_ms: u64) {
        self.input(key, |session, _, effects| {
            if !matches!(session, Session::Over) {
                effects.push(Effect::Send(native::reconnect(after_ms)));
                effects.push(Effect::Close(CloseReason::GoingAway, Some(after_ms)));
            }
        });
    }
}
