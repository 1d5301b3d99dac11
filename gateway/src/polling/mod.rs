//! Engine.IO's long polling: for each session one end of a pair of sockets, whose other end is a connection like any other.
//!
//! What the shard writes there as WebSocket frames goes into the answers to polls, and what is posted goes there as frames.
//! So a connection never knows that it is polled. A session lives on the node where it began, and may go on by a WebSocket
//! ([`upgrade`]).

pub(crate) mod payload;
mod session;
mod upgrade;

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::ticks;
use tokio::net::TcpStream;

pub(crate) use session::PollSession;

/// A session whose connection has ended is kept for one look more, and not for two: its client may be about to ask why.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The sessions that are polled here, by name. Bounded by the node's places: each has a connection behind it, which its
/// pings end where nobody polls any more, or is swept.
#[derive(Debug)]
pub(crate) struct Polls(Mutex<Book>);

type Book = HashMap<String, Arc<PollSession>>;

impl Polls {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Lets go of sessions that have ended, for as long as it is polled.
    pub(crate) async fn keep(&self) -> Infallible {
        let mut times = ticks::every(SWEEP_INTERVAL);
        loop {
            times.tick().await;
            self.sweep();
        }
    }

    fn sweep(&self) {
        self.book().retain(|_, session| !session.is_left());
    }

    /// A session of this name; also returns the connection's end.
    pub(crate) fn open(&self, sid: String) -> io::Result<(Arc<PollSession>, TcpStream)> {
        let (session, far) = PollSession::pair()?;
        let session = Arc::new(session);
        self.book().insert(sid, Arc::clone(&session));
        Ok((session, far))
    }

    pub(crate) fn find(&self, sid: &str) -> Option<Arc<PollSession>> {
        self.book().get(sid).cloned()
    }

    pub(crate) fn forget(&self, sid: &str) {
        self.book().remove(sid);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
