//! Writing what is queued, and looking after connections whose time has come.

use std::{mem, rc::Rc};

use super::{
    entries::Key,
    state::{State, Task},
};
use crate::transport::ws::{self, Written};

impl State {
    /// Writes to everybody who has something to be written.
    pub(super) fn flush(&mut self) {
        let mut dirty = mem::take(&mut self.dirty);
        for key in dirty.drain(..) {
            self.flush_one(key);
        }
        debug_assert!(self.dirty.is_empty(), "flushing makes nobody dirty");
        self.dirty = dirty;
    }

    fn flush_one(&mut self, key: Key) {
        loop {
            let Some(connection) = self.connections.get(key) else {
                return;
            };
            let written = match &connection.writer {
                // Somebody waits for the socket already.
                Some(_) => break,
                None => connection.write(&self.conditions),
            };
            match written {
                Written::Broken => return self.remove(key),
                Written::Blocked => {
                    let stream = Rc::clone(&connection.stream);
                    self.add_task(Task::AwaitRoom(key, stream));
                    break;
                }
                Written::Everything => {}
            }
            match connection.closing {
                Some(closing) if closing.answered => return self.remove(key),
                Some(_) => {
                    ws::end(&connection.stream);
                    break;
                }
                None => {}
            }
            let mut effects = Vec::new();
            let room = connection.queue.room(self.conditions.queue);
            connection.session.on_room(room, &mut effects);
            if effects.is_empty() {
                break;
            }
            self.perform(key, &mut effects);
        }
        if let Some(connection) = self.get(key) {
            connection.dirty = false;
        }
    }

    /// Looks at those whose time has come.
    pub(super) fn tick(&mut self) {
        while let Some(keys) = self.wheel.take(self.now.elapsed_ms) {
            for key in keys {
                self.visit(key);
            }
        }
    }

    fn visit(&mut self, key: Key) {
        let now = self.now;
        let Some(connection) = self.get(key) else {
            return;
        };
        let next_at_ms = match connection.closing {
            Some(closing) if now.elapsed_ms >= closing.until_ms => return self.remove(key),
            Some(closing) => closing.until_ms,
            None => {
                let mut effects = Vec::new();
                let next_at_ms = connection.session.on_tick(now, &mut effects);
                self.perform(key, &mut effects);
                next_at_ms
            }
        };
        self.wheel.file(key, next_at_ms);
    }
}
