//! One session that is polled.

use std::{
    io,
    net::TcpStream as StdTcpStream,
    os::{fd::OwnedFd, unix::net::UnixStream as StdUnixStream},
    sync::{Mutex as StdMutex, PoisonError},
    time::Duration,
};

use shared::wire::CloseReason;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Mutex, MutexGuard, watch},
    time::{Instant, timeout},
};

use super::payload::{self, InvalidPayload, Packets};

const READ_BYTES: usize = 16 * 1024;
/// An answer is not made longer than this, if there is more than one packet to tell.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// A shard that does not listen for so long never will.
pub(super) const POST_TIME_MAX: Duration = Duration::from_secs(5);

/// What a session is in; it only ever goes on to a later one, or back from [`Phase::Probed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Polls wait for something to tell.
    Polled,
    /// A WebSocket has shown that it works: polls are answered at once, so that none is left when the client changes over.
    Probed,
    /// The WebSocket has it. Nothing is polled, and nothing posted.
    Upgraded,
    /// It has ended.
    Over(End),
}

/// How a session ended before its connection did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client did what it must not.
    Breach,
    /// The client said goodbye.
    Goodbye,
}

impl End {
    /// What a poll that waits is answered.
    fn packet(self) -> &'static str {
        match self {
            Self::Breach => CLOSE,
            Self::Goodbye => NOOP,
        }
    }
}

const CLOSE: &str = "1";
const NOOP: &str = "6";

/// This side of a connection that is polled.
#[derive(Debug)]
pub(crate) struct PollSession {
    pub(super) down: Mutex<Down>,
    pub(super) up: Mutex<OwnedWriteHalf>,
    pub(super) phase: watch::Sender<Phase>,
    /// Held by the one WebSocket that may show that it works.
    pub(super) probing: Mutex<()>,
    touched: StdMutex<Instant>,
}

#[derive(Debug)]
pub(super) struct Down {
    pub(super) from: OwnedReadHalf,
    /// Read, and not told yet.
    pub(super) buffer: Vec<u8>,
}

/// What a poll is answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) body: String,
    /// Nothing follows.
    pub(crate) is_last: bool,
}

impl Answer {
    fn of(packet: &str, is_last: bool) -> Self {
        let body = packet.to_owned();
        Self { body, is_last }
    }
}

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("two requests at once")]
    Overlap,
    #[error(transparent)]
    Payload(#[from] InvalidPayload),
    #[error("the connection has ended")]
    Ended,
    #[error("the session goes on by a WebSocket")]
    Upgraded,
}

impl Refused {
    /// Whether it is the session's end, too.
    pub(crate) fn is_last(self) -> bool {
        self != Self::Upgraded
    }
}

impl PollSession {
    /// Both ends; the far one is where a client's socket would be.
    pub(super) fn pair() -> io::Result<(Self, TcpStream)> {
        let (near, far) = StdUnixStream::pair()?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
        let far = StdTcpStream::from(OwnedFd::from(far));
        let (from, up) = UnixStream::from_std(near)?.into_split();
        let session = Self {
            down: Mutex::new(Down {
                from,
                buffer: Vec::new(),
            }),
            up: Mutex::new(up),
            phase: watch::Sender::new(Phase::Polled),
            probing: Mutex::default(),
            touched: StdMutex::new(Instant::now()),
        };
        Ok((session, TcpStream::from_std(far)?))
    }

    /// How long nobody has asked or told anything.
    pub(super) fn silence(&self) -> Duration {
        let touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        touched.elapsed()
    }

    /// Whether a WebSocket has it.
    pub(super) fn is_upgraded(&self) -> bool {
        *self.phase.borrow() == Phase::Upgraded
    }

    fn touch(&self) {
        *self.touched.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn may_ask(&self) -> Result<(), Refused> {
        self.touch();
        match *self.phase.borrow() {
            Phase::Polled | Phase::Probed => Ok(()),
            Phase::Upgraded => Err(Refused::Upgraded),
            Phase::Over(_) => Err(Refused::Ended),
        }
    }

    /// Ends it; a poll that waits is answered.
    fn end(&self, end: End) {
        self.phase.send_replace(Phase::Over(end));
    }

    /// Waits for something to tell. The wait is bounded by the connection's pings: an unanswered one ends it. Nothing is lost
    /// when it is dropped.
    pub(crate) async fn poll(&self) -> Result<Answer, Refused> {
        self.may_ask()?;
        let Ok(mut down) = self.down.try_lock() else {
            self.end(End::Breach);
            return Err(Refused::Overlap);
        };
        let mut phase = self.phase.subscribe();
        if down.has_timed_out() {
            return Err(Refused::Ended);
        }
        loop {
            let now = *phase.borrow_and_update();
            if let Phase::Over(end) = now {
                return Ok(Answer::of(end.packet(), true));
            }
            let Packets { body, is_last } = Packets::take(&mut down.buffer, ANSWER_BYTES_MAX);
            if !body.is_empty() {
                self.touch();
                return Ok(Answer { body, is_last });
            }
            if now != Phase::Polled {
                return Ok(Answer::of(NOOP, false));
            }
            let Down { from, buffer } = &mut *down;
            buffer.reserve(READ_BYTES);
            tokio::select! {
                count = from.read_buf(buffer) => if !matches!(count, Ok(1..)) {
                    return Ok(Answer::of(CLOSE, true));
                },
                // It lives as long as this does.
                _ = phase.changed() => {}
            }
        }
    }

    /// The client did what it must not. Ends the session; a poll that waits is told.
    pub(crate) fn breach(&self) {
        self.end(End::Breach);
    }

    /// The client has left before its poll was answered. Ends the session, and says so; not one that has a WebSocket to go on by.
    pub(crate) fn abandon(&self) -> bool {
        self.turn(Phase::Polled, Phase::Over(End::Breach))
    }

    /// The client begins to post: from the request's head on, whenever its body comes, it is the only one that does.
    pub(crate) fn posting(&self) -> Result<Posting<'_>, Refused> {
        self.may_ask()?;
        let Ok(up) = self.up.try_lock() else {
            self.end(End::Breach);
            return Err(Refused::Overlap);
        };
        Ok(Posting { session: self, up })
    }

    /// After a post: whether it was the last.
    pub(crate) fn is_over(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Over(_))
    }
}

/// A post whose body is not there yet.
pub(crate) struct Posting<'a> {
    session: &'a PollSession,
    up: MutexGuard<'a, OwnedWriteHalf>,
}

impl Posting<'_> {
    /// Hands on what was posted.
    pub(crate) async fn finish(mut self, body: &str) -> Result<(), Refused> {
        let session = self.session;
        session.may_ask()?;
        let frames = payload::to_frames(body).inspect_err(|_| session.end(End::Breach))?;
        if let Ok(mut down) = session.down.try_lock()
            && down.has_timed_out()
        {
            return Err(Refused::Ended);
        }
        if payload::says_goodbye(body) {
            session.end(End::Goodbye);
        }
        let unfinished = Unfinished(Some(session));
        match timeout(POST_TIME_MAX, self.up.write_all(&frames)).await {
            Ok(Ok(())) => {
                unfinished.done();
                Ok(())
            }
            _ => Err(Refused::Ended),
        }
    }
}

/// A post whose client leaves while it is handed on has left half a frame behind: nothing can follow it.
struct Unfinished<'a>(Option<&'a PollSession>);

impl Unfinished<'_> {
    fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.0 {
            session.end(End::Breach);
        }
    }
}

impl Down {
    /// Whether the connection was given up because nobody answered its ping. Then nobody was there to be told what waits, and
    /// who comes now comes too late. All other ends are told.
    fn has_timed_out(&mut self) -> bool {
        let Self { from, buffer } = self;
        if buffer.len() < ANSWER_BYTES_MAX {
            buffer.reserve(READ_BYTES);
            // An error, or the end, is found by whoever waits.
            from.try_read_buf(buffer).ok();
        }
        payload::close_code(buffer) == Some(CloseReason::HeartbeatMissed.code())
    }
}
