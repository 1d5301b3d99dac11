//! What clients say, taken from their sockets. No connection has a buffer of its own: bytes go into the shard's, and from there
//! to the connection's parser, which keeps what is no whole message yet.
//!
//! Nothing here is a future, so no half-done read can be cancelled and lost, as with `read_frame` of fastwebsockets.

use std::{
    io::{ErrorKind, Read},
    mem,
    ops::ControlFlow,
};

use super::{entries::Key, sockets::Ready, state::State};

/// Somebody who may have said more than was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unread {
    key: Key,
    /// Until the socket has nothing more: an end that came together with the last bytes is not told again.
    to_the_end: bool,
}

impl State {
    /// News of a socket.
    pub(super) fn on_ready(&mut self, ready: Ready) {
        let Ready { key, ended, .. } = ready;
        if ready.readable {
            let to_the_end = ended;
            self.unread.push_back(Unread { key, to_the_end });
        }
        if ready.writable
            && let Some(connection) = self.get(key)
            && mem::take(&mut connection.is_blocked)
        {
            self.mark_dirty(key);
        }
    }

    /// From now on the client is heard, and what it has said before.
    pub(super) fn listen(&mut self, key: Key) {
        if let Some(connection) = self.get(key)
            && !mem::replace(&mut connection.is_heard, true)
        {
            self.unread.push_back(Unread {
                key,
                to_the_end: true,
            });
        }
    }

    /// Reads once from everybody who may have said something. Whoever has more to say has another turn after the others: one
    /// that never stops talking must not keep them waiting. True when there is such a one.
    pub(super) fn read_on(&mut self) -> bool {
        for _ in 0..self.unread.len() {
            let Some(unread) = self.unread.pop_front() else {
                break;
            };
            if self.read(unread).is_break() {
                self.remove(unread.key);
            }
        }
        !self.unread.is_empty()
    }

    /// `Break`: nothing more will come.
    fn read(&mut self, unread: Unread) -> ControlFlow<()> {
        let Unread { key, to_the_end } = unread;
        let Some(connection) = self.connections.get(key).filter(|c| c.is_heard) else {
            return ControlFlow::Continue(());
        };
        let mut early = mem::take(&mut connection.unread);
        if !early.is_empty() {
            self.unread.push_front(unread);
            return self.on_bytes(key, &mut early);
        }
        let read = connection.stream.read(&mut self.scratch);
        match read {
            Ok(0) => ControlFlow::Break(()),
            Ok(count) => {
                let mut scratch = mem::take(&mut self.scratch);
                let heard = self.on_bytes(key, &mut scratch[..count]);
                if to_the_end || count == scratch.len() {
                    self.unread.push_back(unread);
                }
                self.scratch = scratch;
                heard
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => ControlFlow::Continue(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.unread.push_back(unread);
                ControlFlow::Continue(())
            }
            Err(_) => ControlFlow::Break(()),
        }
    }
}
