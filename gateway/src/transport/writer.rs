//! What is queued goes out together.

use std::{
    io::{ErrorKind, IoSlice, Write},
    os::fd::AsRawFd,
};

use nix::sys::socket::{Shutdown, shutdown};

use super::{Delivery, Queue};
use crate::codec::OBJECTS_MAX;

/// Slices in one system call: frames, or a message's objects and what goes before each.
const SLICES_MAX: usize = 2 * OBJECTS_MAX;

/// How far a write came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// The queue is empty.
    Everything,
    /// The socket takes no more now.
    Blocked,
    /// The connection is gone.
    Broken,
}

/// What went out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Whole ones.
    pub(crate) frames: usize,
    pub(crate) bytes: usize,
}

/// Writes as much of the queue as the socket takes, without waiting; where `joins`, what is queued is put together into messages.
/// `done` hears of every event that went out whole.
pub(crate) fn write(
    mut stream: impl Write,
    queue: &mut Queue,
    joins: bool,
    mut done: impl FnMut(Delivery),
) -> (Written, Sent) {
    let mut sent = Sent::default();
    while !queue.is_empty() {
        if joins {
            queue.join();
        }
        let written = if let Some(only) = queue.only() {
            // The usual case, and cheaper: there is no list of slices to be made and looked through.
            stream.write(only)
        } else {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = queue.fill(&mut slices);
            stream.write_vectored(&slices[..count])
        };
        match written {
            Ok(0) => return (Written::Broken, sent),
            Ok(bytes) => {
                sent.bytes += bytes;
                sent.frames += queue.advance(bytes, &mut done);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return (Written::Blocked, sent),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return (Written::Broken, sent),
        }
    }
    (Written::Everything, sent)
}

/// Nothing follows: the client sees the end as soon as it has read what was written, whether or not it says goodbye.
pub(crate) fn end(stream: &impl AsRawFd) {
    if let Err(error) = shutdown(stream.as_raw_fd(), Shutdown::Write) {
        // The client was faster.
        tracing::trace!(%error, "a connection that had ended already");
    }
}
