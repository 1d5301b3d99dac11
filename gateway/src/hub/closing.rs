//! How connections end: both sides say goodbye, or time runs out.

use std::mem;

use shared::{
    ledger::DropReason,
    memory::GiveBack as _,
    wire::{Channel, CloseReason},
};

use super::{
    conditions::Conditions,
    connection::{Closing, Connection, Stay},
    entries::Key,
    state::{State, Task},
};
use crate::{
    codec::Frame,
    handshake::SteppedOut,
    metrics::{Drained, End, ResumeResult},
    session::Session,
    transport::ws::Parser,
};

/// How long a close may take until both sides have said goodbye, in milliseconds.
const GOODBYE_MS_MAX: u64 = 5000;

impl State {
    /// Says goodbye; what was queued before goes first, unless the client was too slow for just that.
    pub(super) fn close(&mut self, key: Key, reason: CloseReason, retry_after_ms: Option<u64>) {
        self.begin_closing(key, reason, false, |connection, conditions| {
            connection.say_goodbye(reason, retry_after_ms, conditions);
        });
        // To hear the answer. What else comes has no effect.
        self.listen(key);
    }

    /// The client said goodbye.
    pub(super) fn on_close_frame(&mut self, key: Key, code: Option<u16>) {
        let Some(connection) = self.get(key) else {
            return;
        };
        match &mut connection.closing {
            Some(closing) => {
                closing.answered = true;
                self.mark_dirty(key);
            }
            None => self.begin_closing(key, CloseReason::Normal, true, |connection, _| {
                let echo = Frame::close_echo(code).bytes().clone();
                connection.queue.push_last(echo, false);
            }),
        }
    }

    /// The client leaves the namespace of Socket.IO: it is a stranger from now on, on an engine that goes on.
    pub(super) fn leave_namespace(&mut self, key: Key) {
        let open = self.get(key).is_some_and(|c| c.closing.is_none());
        if !open {
            return;
        }
        self.begin_closing(key, CloseReason::Normal, false, |_, _| {});
        if let Some(connection) = self.get(key)
            && let Some(closing) = &mut connection.closing
        {
            closing.engine_stays = true;
            // What else it says is not for this session.
            connection.is_heard = false;
        }
    }

    /// Hands the engine of a client that has left the namespace back to the handshake.
    pub(super) fn step_out(&mut self, key: Key) {
        let Some(mut connection) = self.take_out(key) else {
            return;
        };
        if let Err(error) = self.watch.forget(&mut connection.stream) {
            return tracing::warn!(%error, "an engine cannot be taken off its shard");
        }
        let (compressed, (place, _)) = (connection.outlet.hears_compressed(), connection.guards);
        self.add_task(Task::StepOut(Box::new(SteppedOut {
            stream: connection.stream.into(),
            unread: connection.parser.map_or_else(Vec::new, Parser::into_rest),
            compressed: compressed.unwrap_or(false),
            place,
        })));
    }

    fn begin_closing(
        &mut self,
        key: Key,
        reason: CloseReason,
        answered: bool,
        goodbye: impl FnOnce(&mut Connection, &Conditions),
    ) {
        let until_ms = self.now.elapsed_ms + GOODBYE_MS_MAX;
        let connection = self.connections.get(key);
        let Some(connection) = connection.filter(|c| c.closing.is_none()) else {
            return;
        };
        if reason == CloseReason::SlowConsumer {
            connection.drop_traced(&self.conditions, DropReason::SlowConsumer);
        }
        goodbye(connection, &self.conditions);
        connection.closing = Some(Closing {
            answered,
            until_ms,
            engine_stays: false,
        });
        let (metrics, transport) = (&self.conditions.metrics, connection.outlet.transport());
        metrics.closed(transport, connection.end(reason));
        if connection.resumes {
            metrics.resumed(transport, ResumeResult::Error);
        }
        if connection.is_drained() {
            let by_us = reason == CloseReason::GoingAway;
            metrics.drained(
                if by_us {
                    Drained::Closed
                } else {
                    Drained::ClientLeft
                },
                1,
            );
        }
        connection.session = Session::Over;
        if let Some(line) = connection.line.take() {
            let whose = line.connection();
            let reason = reason.name();
            tracing::debug!(connection_id = %whose.name, user_id = %whose.user_id, reason, "closing");
            self.conditions.typists.left(whose);
        }
        self.leave_all(key);
        self.wheel.file(key, until_ms);
        self.mark_dirty(key);
    }

    fn leave_all(&mut self, key: Key) {
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        for channel in mem::take(&mut connection.hears) {
            self.strike_off(key, channel);
        }
    }

    /// The connection hears this channel no more, from the next event on.
    pub(super) fn leave(&mut self, key: Key, channel: Channel) {
        if let Some(connection) = self.connections.get(key) {
            connection.hears.retain(|heard| *heard != channel);
            connection.outlet.left(channel);
            self.strike_off(key, channel);
        }
    }

    fn strike_off(&mut self, key: Key, channel: Channel) {
        let Some(members) = self.members.get_mut(&channel) else {
            return;
        };
        members.retain(|member| *member != key);
        if members.is_empty() {
            self.members.remove(&channel);
            self.members.give_back();
            self.add_task(Task::Leave(channel));
        }
    }

    /// Forgets a connection; its socket closes with it.
    pub(super) fn remove(&mut self, key: Key) {
        drop(self.take_out(key));
    }

    fn take_out(&mut self, key: Key) -> Option<Connection> {
        self.leave_all(key);
        let connection = self.connections.remove(key)?;
        connection.drop_traced(&self.conditions, DropReason::ConnectionEnded);
        let metrics = &self.conditions.metrics;
        if matches!(connection.stay, Stay::Told { .. }) {
            metrics.leaving.dec();
        }
        if connection.closing.is_none() {
            let transport = connection.outlet.transport();
            metrics.closed(transport, End::Network);
            if connection.resumes {
                metrics.resumed(transport, ResumeResult::Error);
            }
            if connection.is_drained() {
                metrics.drained(Drained::ClientLeft, 1);
            }
        }
        Some(connection)
    }
}
