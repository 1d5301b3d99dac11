//! What goes to one client: dressed by its outlet, and put into its queue.

use std::{collections::BTreeMap, mem};

use bytes::Bytes;
use shared::wire::{Channel, Offset};

use super::{entries::Key, state::State};
use crate::{
    codec::{
        Encoded, Frame,
        native::{self, ChannelStart},
    },
    metrics::ResumeResult,
    session::Path,
};

impl State {
    /// Queues a frame of the session.
    pub(super) fn send(&mut self, key: Key, frame: &Frame) {
        if let Some(connection) = self.connections.get(key) {
            connection.session.on_sent(self.now);
        }
        self.answer(key, frame);
    }

    /// Queues `welcome`, where it tells the client something.
    pub(super) fn welcome(
        &mut self,
        key: Key,
        frame: &Frame,
        starts: &BTreeMap<Channel, ChannelStart>,
    ) {
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        connection.session.on_sent(self.now);
        connection.resumes = false;
        connection.guards.1.welcomed(ResumeResult::of(starts));
        let outlet = &mut connection.outlet;
        if let Some(bytes) = outlet.welcome(frame, starts, &mut self.deflater) {
            self.queue(key, bytes);
        }
    }

    /// Gives a sign of life, where there is somebody to see it.
    pub(super) fn heartbeat(&mut self, key: Key, tops: &BTreeMap<Channel, Offset>) {
        let beats = self.get(key).is_some_and(|c| c.outlet.beats());
        if beats {
            self.answer(key, &native::heartbeat(tops));
        }
    }

    /// Asks for a sign of life, where one can come.
    pub(super) fn ping(&mut self, key: Key) {
        let now_ms = self.now.elapsed_ms;
        if let Some(ping) = self.get(key).and_then(|c| c.outlet.ping(now_ms)) {
            self.answer(key, &ping);
        }
    }

    /// Queues what goes before everything else.
    pub(super) fn greet(&mut self, key: Key) {
        if let Some(opening) = self.get(key).and_then(|c| c.outlet.opening()) {
            self.queue(key, opening);
        }
    }

    /// Queues an answer of the transport itself, unless the connection is closing.
    pub(super) fn answer(&mut self, key: Key, frame: &Frame) {
        if let Some(connection) = self.connections.get(key) {
            let bytes = connection.outlet.frame(frame, &mut self.deflater);
            self.queue(key, bytes);
        }
    }

    /// Queues bytes of the transport's own, unless the connection is closing.
    pub(super) fn queue(&mut self, key: Key, bytes: Bytes) {
        let connection = self.connections.get(key);
        let Some(connection) = connection.filter(|c| c.closing.is_none()) else {
            return;
        };
        match connection.send(bytes, &self.conditions) {
            Ok(()) => self.mark_dirty(key),
            Err(reason) => self.close(key, reason, None),
        }
    }

    /// Queues an event; closes a connection that is too slow for it.
    pub(super) fn deliver(&mut self, key: Key, encoded: &Encoded, path: Path) {
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        self.unwritten += 1;
        connection.session.on_sent(self.now);
        connection.keep_traced(self.trace_rules, &self.conditions.ledger);
        match connection.deliver((encoded, path), &mut self.deflater, &self.conditions) {
            Ok(()) if mem::replace(&mut connection.dirty, true) => {}
            Ok(()) => self.dirty.push(key),
            Err(reason) => self.close(key, reason, None),
        }
    }

    /// A client has said what it has.
    pub(super) fn acknowledged(
        &mut self,
        key: Key,
        (channel, through): (Channel, Offset),
        count: u64,
    ) {
        self.conditions.metrics.acknowledged.inc_by(count);
        let connection = self.connections.get(key);
        if let Some(traced) = connection.and_then(|connection| connection.traced.as_deref_mut()) {
            self.conditions
                .ledger
                .acknowledged(traced, channel, through);
        }
    }
}
