//! How connections begin.

use std::sync::Arc;

use mio::net::TcpStream;
use shared::connections::Connection as Whose;

use super::{connection::Connection, entries::Key, inbox::Arrival, state::State};
use crate::{
    metrics::Departure,
    session::Session,
    transport::ws::{Limits, Parser},
};

impl State {
    /// Takes a connection over from its handshake.
    pub(super) fn arrive(&mut self, arrival: Arrival) {
        let Arrival {
            stream,
            unread,
            outlet,
            introduction,
            line,
            guards,
        } = arrival;
        let stream = TcpStream::from_std(stream);
        let parser = outlet.hears_compressed().map(|compressed| {
            Parser::new(Limits {
                message_bytes_max: self.conditions.frame_bytes_max,
                compressed,
            })
        });
        let settings = Arc::clone(&self.conditions.settings);
        let stay = self.conditions.stay(outlet.transport(), self.now);
        let resumes = !introduction.resume.positions.is_empty();
        let key = self.add(|now, effects| {
            let session = Session::open(introduction, settings, now, effects);
            let place = (line, stay, resumes);
            Connection::new(session, stream, (parser, outlet), unread, place, guards)
        });
        let connection = self.connections.get(key);
        if let Some(line) = connection.and_then(|connection| connection.line.as_ref()) {
            let Whose { name, user_id, .. } = line.connection();
            tracing::debug!(connection_id = %name, %user_id, "a connection is open");
        }
        self.watch(key);
        self.greet(key);
        if self.draining {
            self.send_away(key, Departure::Drain);
        }
    }

    fn watch(&mut self, key: Key) {
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        if let Err(error) = self.watch.for_bytes(&mut connection.stream, key) {
            tracing::warn!(%error, "a connection cannot be registered with its shard");
            self.remove(key);
        }
    }
}
