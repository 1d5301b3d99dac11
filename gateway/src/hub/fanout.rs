//! What a shard does about each message, and each piece of what a client said.

use std::{mem, ops::ControlFlow, sync::Arc};

use bytes::Bytes;
use shared::{
    bus::Joined,
    connections::Name,
    wire::{Channel, CloseReason, Position},
};

use super::{
    connection::Stay,
    entries::Key,
    inbox::{self, Missed},
    state::{State, Task},
};
use crate::{
    codec::{Control, Encoded, Frame, native},
    metrics::Departure,
    transport::{Transport, ws},
};

/// From so many hearers on, a shard gives them an event in memory of its own.
const MANY: usize = 32;
/// Whoever is sent away comes back after a random time up to this.
const AWAY_MS_MAX: u64 = 2000;

impl State {
    /// A message from outside the shard, except arrivals and the end, which are the shard's own.
    pub(super) fn on_message(&mut self, message: inbox::Message) {
        match message {
            inbox::Message::Event(encoded) => self.on_event(&encoded),
            inbox::Message::Joined(joined) => self.on_joined(&joined),
            inbox::Message::Lost(channel, position) => self.on_lost(channel, position),
            inbox::Message::Interrupted(channel) => self.on_interrupted(channel),
            inbox::Message::Drain(window) => {
                self.draining = true;
                let everybody = self.keys().collect();
                self.add_task(Task::SendAway(everybody, window, Departure::Drain));
            }
            inbox::Message::Shed(count, window) => {
                let newest = self.newest_who_stay(count);
                self.add_task(Task::SendAway(newest, window, Departure::Rebalance));
            }
            inbox::Message::Arrived(_) | inbox::Message::Stop => {}
        }
    }

    fn on_event(&mut self, encoded: &Arc<Encoded>) {
        let channel = encoded.event.channel;
        match encoded.control {
            Some(Control::ConnectionReplaced(name)) => {
                return self.send_off(channel, Some(name), CloseReason::ReplacedByNewer);
            }
            Some(Control::Disconnect(name)) => {
                return self.send_off(channel, name, CloseReason::Forbidden);
            }
            _ => {}
        }
        let own;
        let hearers = self.hearers_count(channel);
        self.conditions.metrics.matched.inc_by(hearers as u64);
        let is_for_many = hearers >= MANY;
        let encoded = if is_for_many {
            own = Arc::new(encoded.apart());
            &own
        } else {
            encoded
        };
        self.for_each_hearer(channel, |state, key| {
            state.hear(key, encoded);
        });
    }

    /// Somebody has one connection too many, and this is the oldest; or an operator wants it closed, or all of theirs. It is
    /// nobody else's business.
    fn send_off(&mut self, channel: Channel, name: Option<Name>, reason: CloseReason) {
        self.for_each_hearer(channel, |state, key| {
            let connection = state.get(key);
            let line = connection.and_then(|connection| connection.line.as_ref());
            let is_meant = |own: Name| name.is_none_or(|name| name == own);
            if line.is_some_and(|line| is_meant(line.connection().name)) {
                state.close(key, reason, None);
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

    /// Ephemeral events of a channel were missed.
    fn on_interrupted(&mut self, channel: Channel) {
        self.for_each_hearer(channel, |state, key| {
            state.input(key, |session, _, effects| {
                session.on_interrupted(channel, effects);
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
        for channel in missed.words {
            self.on_interrupted(channel);
        }
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
        let transport = connection.outlet.transport();
        self.conditions.tally(transport).read(bytes.len());
        let Some(connection) = self.get(key) else {
            return ControlFlow::Break(());
        };
        // Taken out, so that what it finds can be acted upon while it goes on.
        let Some(mut parser) = connection.parser.take() else {
            // Where nothing is to be said, whatever is said is one violation. After it nothing is understood, only waited
            // for: the end.
            self.close(key, CloseReason::ProtocolError, None);
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

    /// Our pings bear the time at which they were made. What else comes is a pong that nobody asked for.
    fn on_pong(&self, transport: Transport, payload: &[u8]) {
        let Ok(asked_at_ms) = payload.try_into().map(u64::from_be_bytes) else {
            return;
        };
        if let Some(took_ms) = self.now.elapsed_ms.checked_sub(asked_at_ms) {
            self.conditions.metrics.line(transport).pong(took_ms);
        }
    }

    fn on_said(&mut self, key: Key, message: ws::Message<'_>) -> ControlFlow<()> {
        let Some(connection) = self.connections.get(key) else {
            return ControlFlow::Break(());
        };
        let transport = connection.outlet.transport();
        self.conditions.metrics.line(transport).frames_in.inc();
        let is_native = transport == Transport::WebSocket;
        let is_in_lines = connection.outlet.is_in_lines();
        if is_native {
            self.input(key, |session, now, _| session.on_heard(now));
        }
        match message {
            ws::Message::Text(text) if !is_native => {
                self.on_engine_text(key, text);
                let connection = self.connections.get(key);
                if connection.is_some_and(|connection| !connection.is_heard) {
                    return ControlFlow::Break(());
                }
            }
            ws::Message::Binary(_) if !is_native => self.on_attachment(key),
            ws::Message::Text(text) if is_in_lines => self.on_lines(key, text),
            ws::Message::Text(text) => self.on_object(key, text),
            ws::Message::Binary(_) => self.close(key, CloseReason::BinaryNotAccepted, None),
            ws::Message::Ping(payload) => self.answer(key, &Frame::pong(payload)),
            ws::Message::Pong(payload) => self.on_pong(transport, payload),
            ws::Message::Close(code) => {
                self.on_close_frame(key, code);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    /// A message of one object.
    fn on_object(&mut self, key: Key, text: &str) {
        let text = Bytes::copy_from_slice(text.as_bytes());
        self.input(key, |session, now, effects| {
            session.on_text(text, now, effects);
        });
    }

    /// A message of several: each counts as if it had come alone. One without any is as wrong as an empty one is elsewhere.
    fn on_lines(&mut self, key: Key, text: &str) {
        let text = text.trim_ascii();
        for line in text.split('\n').map(str::trim_ascii) {
            let is_open = self.get(key).is_some_and(|c| c.closing.is_none());
            if !is_open {
                return;
            }
            if !line.is_empty() || text.is_empty() {
                self.on_object(key, line);
            }
        }
    }

    /// Tells a client to come back after a while, and not here; for a while it may do that before it leaves.
    pub(super) fn send_away(&mut self, key: Key, departure: Departure) {
        let until_ms = self.now.elapsed_ms + self.conditions.overlap_ms;
        let after_ms = rand::random_range(0..AWAY_MS_MAX);
        let Some(connection) = self.get(key) else {
            return;
        };
        if connection.closing.is_some() || matches!(connection.stay, Stay::Told { .. }) {
            return;
        }
        connection.stay = Stay::Told {
            departure,
            after_ms,
            until_ms,
        };
        self.conditions.metrics.leaving.inc();
        self.wheel.file(key, until_ms);
        self.answer(key, &native::reconnect(after_ms));
    }

    /// So many connections that were not told to go: the newest. What those took lies together, as they came together when
    /// another node ended, and can be given back when they are gone; and who has been here for long is left alone.
    fn newest_who_stay(&mut self, count: usize) -> Vec<Key> {
        let connections = self.connections.iter();
        let stay = connections.filter(|(_, c)| matches!(c.stay, Stay::Until(_)));
        let mut stay: Vec<Key> = stay.map(|(key, _)| key).collect();
        stay.sort_unstable_by_key(|key| self.connections.came_after(*key));
        stay.truncate(count);
        stay
    }
}
