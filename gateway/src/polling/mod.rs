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
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{net::TcpStream, time::Instant};

pub(crate) use session::{PollSession, Refused};

/// Sessions that nobody has polled for so long are looked for, as often.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);
/// Longer than any interval of pings with its patience: the connection behind it has ended by then.
const SILENCE_MAX: Duration = Duration::from_mins(3);

/// The sessions that are polled here, by name. Bounded by the node's places: each has a connection behind it, or is swept.
#[derive(Debug)]
pub(crate) struct Polls(Mutex<Book>);

#[derive(Debug)]
struct Book {
    sessions: HashMap<String, Arc<PollSession>>,
    swept: Instant,
}

impl Polls {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Book {
            sessions: HashMap::new(),
            swept: Instant::now(),
        }))
    }

    /// A session of this name; also returns the connection's end.
    pub(crate) fn open(&self, sid: String) -> io::Result<(Arc<PollSession>, TcpStream)> {
        let (session, far) = PollSession::pair()?;
        let session = Arc::new(session);
        let mut book = self.book();
        if book.swept.elapsed() > SWEEP_INTERVAL {
            book.swept = Instant::now();
            book.sessions
                .retain(|_, session| session.is_upgraded() || session.silence() < SILENCE_MAX);
        }
        book.sessions.insert(sid, Arc::clone(&session));
        Ok((session, far))
    }

    pub(crate) fn find(&self, sid: &str) -> Option<Arc<PollSession>> {
        self.book().sessions.get(sid).cloned()
    }

    pub(crate) fn forget(&self, sid: &str) {
        self.book().sessions.remove(sid);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
