//! The sockets of a shard, watched together.
//!
//! The runtime would keep a task and an entry of its own for every socket, some 700 bytes, to wait for what seldom comes. Here all
//! sockets of a shard are one set of the kernel's (epoll, kqueue), and the runtime watches the set. An idle socket costs its
//! descriptor.
//!
//! A socket speaks up once, when something changes: whoever is told reads until nothing is left, or comes back to it
//! ([`State::read_on`](super::state::State::read_on)).

use std::{io, time::Duration};

use mio::{Events, Interest, Poll, Registry, Token, net::TcpStream};
use tokio::io::{Interest as Watched, unix::AsyncFd};

use super::entries::Key;

/// Sockets that are heard at a time, before anything else has its turn.
const READY_MAX: usize = 512;

/// The set.
pub(super) struct Sockets {
    set: AsyncFd<Poll>,
    ready: Events,
}

/// The way into the set.
pub(super) struct Watch(Registry);

/// A socket about which there is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ready {
    pub(super) key: Key,
    /// There is something to read, be it the end or an error.
    pub(super) readable: bool,
    /// It takes more, or has failed.
    pub(super) writable: bool,
    /// The other side says no more.
    pub(super) ended: bool,
}

impl Sockets {
    pub(super) fn new() -> io::Result<Self> {
        #[expect(
            deprecated,
            reason = "its successor is unsafe, for types that may close their descriptor before they end; this one does not"
        )]
        let set = AsyncFd::with_interest(Poll::new()?, Watched::READABLE)?;
        Ok(Self {
            set,
            ready: Events::with_capacity(READY_MAX),
        })
    }

    pub(super) fn watch(&self) -> io::Result<Watch> {
        self.set.get_ref().registry().try_clone().map(Watch)
    }

    /// Waits for news of at least one socket. Safe to cancel: what was not returned is still in the set.
    pub(super) async fn ready(&mut self) -> io::Result<impl Iterator<Item = Ready>> {
        let mut set = self.set.readable_mut().await?;
        let told = set
            .get_inner_mut()
            .poll(&mut self.ready, Some(Duration::ZERO));
        match told {
            // As many as can be told at a time: perhaps there are more.
            Ok(()) if self.ready.iter().count() == READY_MAX => {}
            Ok(()) => set.clear_ready(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(self.ready.iter().map(|event| Ready {
            key: Key::from_token(event.token().0 as u64),
            readable: event.is_readable() || event.is_read_closed() || event.is_error(),
            writable: event.is_writable() || event.is_write_closed() || event.is_error(),
            ended: event.is_read_closed() || event.is_error(),
        }))
    }
}

impl Watch {
    /// Tells from now on when something has come.
    pub(super) fn for_bytes(&self, stream: &mut TcpStream, key: Key) -> io::Result<()> {
        self.0.register(stream, token(key), Interest::READABLE)
    }

    /// Tells no more.
    pub(super) fn forget(&self, stream: &mut TcpStream) -> io::Result<()> {
        self.0.deregister(stream)
    }

    /// Tells when it takes more, too.
    pub(super) fn for_room(&self, stream: &mut TcpStream, key: Key) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        self.0.reregister(stream, token(key), both)
    }
}

fn token(key: Key) -> Token {
    let token = usize::try_from(key.to_token());
    Token(token.expect("it runs on machines of 64 bits"))
}
