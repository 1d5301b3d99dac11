//! What is queued goes out together.

use std::{
    io::{ErrorKind, IoSlice, Write},
    os::fd::AsRawFd,
};

use nix::sys::socket::{Shutdown, shutdown};

use super::{Delivery, Queue};

/// Frames in one system call.
const SLICES_MAX: usize = 64;

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

/// Writes as much of the queue as the socket takes, without waiting. `done` hears of every event that went out whole.
pub(crate) fn write(
    mut stream: impl Write,
    queue: &mut Queue,
    mut done: impl FnMut(Delivery),
) -> Written {
    while !queue.is_empty() {
        let written = if let Some(only) = queue.only() {
            // The usual case, and cheaper: there is no list of slices to be made and looked through.
            stream.write(only)
        } else {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = queue.fill(&mut slices);
            stream.write_vectored(&slices[..count])
        };
        match written {
            Ok(0) => return Written::Broken,
            Ok(bytes) => queue.advance(bytes, &mut done),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Written::Blocked,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Written::Broken,
        }
    }
    Written::Everything
}

/// Nothing follows: the client sees the end as soon as it has read what was written, whether or not it says goodbye.
pub(crate) fn end(stream: &impl AsRawFd) {
    if let Err(error) = shutdown(stream.as_raw_fd(), Shutdown::Write) {
        // The client was faster.
        tracing::trace!(%error, "a connection that had ended already");
    }
}
