//! One session that is polled.

use std::{
    io,
    net::TcpStream as StdTcpStream,
    os::{fd::OwnedFd, unix::net::UnixStream as StdUnixStream},
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};

use shared::wire::CloseReason;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::{
        TcpStream, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Mutex, MutexGuard, watch},
    time::timeout,
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
    /// Held by the one poll that waits. Others look at what there is, too, and for a moment only.
    asking: Mutex<()>,
    pub(super) down: Mutex<Down>,
    pub(super) up: Mutex<OwnedWriteHalf>,
    pub(super) phase: watch::Sender<Phase>,
    /// Held by the one WebSocket that may show that it works.
    pub(super) probing: Mutex<()>,
    /// Whether its connection had ended when it was last looked at.
    seen_ended: AtomicBool,
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
            asking: Mutex::default(),
            down: Mutex::new(Down {
                from,
                buffer: Vec::new(),
            }),
            up: Mutex::new(up),
            phase: watch::Sender::new(Phase::Polled),
            probing: Mutex::default(),
            seen_ended: AtomicBool::new(false),
        };
        Ok((session, TcpStream::from_std(far)?))
    }

    /// Whether nobody comes for it any more: it is over, or its connection had ended at the last look already. To be asked
    /// as often as a client is given time to hear of that end.
    pub(super) fn is_left(&self) -> bool {
        self.is_over() || self.has_ended() && self.seen_ended.swap(true, Ordering::Relaxed)
    }

    fn has_ended(&self) -> bool {
        // Whoever holds it waits for something to tell, and hears of the end.
        self.down.try_lock().is_ok_and(|down| down.is_closed())
    }

    /// Whether a WebSocket has it.
    pub(super) fn is_upgraded(&self) -> bool {
        *self.phase.borrow() == Phase::Upgraded
    }

    fn may_ask(&self) -> Result<(), Refused> {
        match *self.phase.borrow() {
            Phase::Polled | Phase::Probed => Ok(()),
            Phase::Upgraded => Err(Refused::Upgraded),
            Phase::Over(_) => Err(Refused::Ended),
        }
    }

    /// Ends it, unless a WebSocket has it; a poll that waits is answered.
    fn end(&self, end: End) {
        self.phase.send_if_modified(|phase| {
            let ends = *phase != Phase::Upgraded;
            if ends {
                *phase = Phase::Over(end);
            }
            ends
        });
    }

    /// Waits for something to tell. The wait is bounded by the connection's pings: an unanswered one ends it. Nothing is lost
    /// when it is dropped.
    pub(crate) async fn poll(&self) -> Result<Answer, Refused> {
        self.may_ask()?;
        let Ok(_only) = self.asking.try_lock() else {
            self.end(End::Breach);
            return Err(Refused::Overlap);
        };
        let mut phase = self.phase.subscribe();
        let mut down = tokio::select! {
            down = self.down.lock() => down,
            // It keeps this for as long as it lasts.
            () = async { phase.wait_for(|now| *now == Phase::Upgraded).await.map_or((), drop) } => {
                return Err(Refused::Upgraded);
            }
        };
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
        let unfinished = Unfinished(Some(self));
        Ok(Posting {
            session: self,
            up,
            unfinished,
        })
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
    unfinished: Unfinished<'a>,
}

impl Posting<'_> {
    /// Hands on what was posted.
    pub(crate) async fn finish(mut self, body: &str) -> Result<(), Refused> {
        let session = self.session;
        session.may_ask()?;
        let frames = payload::to_frames(body)?;
        if let Ok(mut down) = session.down.try_lock()
            && down.has_timed_out()
        {
            return Err(Refused::Ended);
        }
        if payload::says_goodbye(body) {
            session.end(End::Goodbye);
        }
        match timeout(POST_TIME_MAX, self.up.write_all(&frames)).await {
            Ok(Ok(())) => {
                self.unfinished.done();
                Ok(())
            }
            _ => Err(Refused::Ended),
        }
    }
}

/// A post that breaks off, or is none, ends the session: half a frame may be left behind, and what its client meant is lost.
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
    /// Whether the connection has ended, whatever of it is still to be read.
    pub(super) fn is_closed(&self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let ready = pin!(self.from.ready(Interest::READABLE)).poll(&mut context);
        matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed())
    }

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
