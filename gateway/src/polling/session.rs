//! One session that is polled.

use std::{
    io,
    net::TcpStream as StdTcpStream,
    os::{fd::OwnedFd, unix::net::UnixStream as StdUnixStream},
    sync::{Mutex as StdMutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Mutex, Notify},
    time::{Instant, timeout},
};

use super::payload::{self, InvalidPayload, Packets};

const READ_BYTES: usize = 16 * 1024;
/// An answer is not made longer than this, if there is more than one packet to tell.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// A shard that does not listen for so long never will.
const POST_TIME_MAX: Duration = Duration::from_secs(5);

/// This side of a connection that is polled.
#[derive(Debug)]
pub(crate) struct PollSession {
    down: Mutex<Down>,
    up: Mutex<OwnedWriteHalf>,
    /// The client did what it must not, or its connection has ended.
    over: Notify,
    touched: StdMutex<Instant>,
}

#[derive(Debug)]
struct Down {
    from: OwnedReadHalf,
    /// Read, and not a whole frame yet.
    buffer: Vec<u8>,
}

/// What a poll is answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) body: String,
    /// Nothing follows.
    pub(crate) is_last: bool,
}

/// Why a request is not answered. The session is over in all cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("two requests at once")]
    Overlap,
    #[error(transparent)]
    Payload(#[from] InvalidPayload),
    #[error("the connection has ended")]
    Ended,
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
            over: Notify::new(),
            touched: StdMutex::new(Instant::now()),
        };
        Ok((session, TcpStream::from_std(far)?))
    }

    /// How long nobody has asked or told anything.
    pub(super) fn silence(&self) -> Duration {
        let touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        touched.elapsed()
    }

    fn touch(&self) {
        *self.touched.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Waits for something to tell. The wait is bounded by the connection's pings: an unanswered one ends it. Nothing is lost
    /// when it is dropped.
    pub(crate) async fn poll(&self) -> Result<Answer, Refused> {
        self.touch();
        let Ok(mut down) = self.down.try_lock() else {
            self.over.notify_one();
            return Err(Refused::Overlap);
        };
        loop {
            let packets = Packets::take(&mut down.buffer, ANSWER_BYTES_MAX);
            if !packets.body.is_empty() {
                self.touch();
                return Ok(Answer {
                    body: packets.body,
                    is_last: packets.is_last,
                });
            }
            let Down { from, buffer } = &mut *down;
            buffer.reserve(READ_BYTES);
            let count = tokio::select! {
                count = from.read_buf(buffer) => count.unwrap_or(0),
                () = self.over.notified() => 0,
            };
            if count == 0 {
                return Ok(Answer {
                    body: "1".to_owned(),
                    is_last: true,
                });
            }
        }
    }

    /// Hands on what was posted.
    pub(crate) async fn post(&self, body: &str) -> Result<(), Refused> {
        self.touch();
        let Ok(mut up) = self.up.try_lock() else {
            self.over.notify_one();
            return Err(Refused::Overlap);
        };
        let frames = payload::to_frames(body).inspect_err(|_| self.over.notify_one())?;
        match timeout(POST_TIME_MAX, up.write_all(&frames)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Refused::Ended),
        }
    }
}
