//! One client: a handshake, and then nothing but listening.

use std::{cell::RefCell, io, net::SocketAddr, str::FromStr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    Tally,
    frames::{Frames, Said},
};
use crate::{Failure, stopwatch::now_us};

/// Whoever enters by this path speaks Socket.IO.
pub(crate) const SOCKET_IO: &str = "/socket.io/?EIO=4&transport=websocket";

/// Engine.IO's pong, and Socket.IO's wish to be in the namespace.
const ENGINE_PONG: &[u8] = b"3";
const CONNECT: &[u8] = b"40";

const READ_BYTES: usize = 64 * 1024;
const HEAD_BYTES_MAX: usize = 4096;

thread_local! {
    /// One for all sockets of a thread: none of them holds on to what it has read.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Where and as whom somebody connects.
#[derive(Debug, Clone)]
pub(super) struct Door {
    addr: SocketAddr,
    path: String,
    token: String,
    person: u64,
}

impl FromStr for Door {
    type Err = Failure;

    /// `address path token person`.
    fn from_str(text: &str) -> Result<Self, Failure> {
        let mut words = text.split(' ');
        let mut word = || words.next().ok_or(Failure::Usage);
        Ok(Self {
            addr: word()?.parse().map_err(|_| Failure::Usage)?,
            path: word()?.to_owned(),
            token: word()?.to_owned(),
            person: word()?.parse().map_err(|_| Failure::Usage)?,
        })
    }
}

impl Door {
    pub(super) const fn person(&self) -> u64 {
        self.person
    }

    /// Connects, and waits for the first text: what a server says when one hears everything from now on.
    pub(super) async fn enter(&self) -> io::Result<Socket> {
        let mut stream = TcpStream::connect(self.addr).await?;
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Authorization: Bearer {}\r\n\r\n",
            self.path, self.addr, self.token
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::with_capacity(512);
        let end = loop {
            if let Some(end) = memchr::memmem::find(&head, b"\r\n\r\n") {
                break end + 4;
            }
            if head.len() > HEAD_BYTES_MAX || stream.read_buf(&mut head).await? == 0 {
                return Err(io::Error::other("no answer to the handshake"));
            }
        };
        if !head.starts_with(b"HTTP/1.1 101") {
            let head = String::from_utf8_lossy(&head).into_owned();
            return Err(io::Error::other(head));
        }
        let mut socket = Socket {
            stream,
            frames: Frames::default(),
        };
        socket.next_text(&head[end..]).await?;
        if self.path == SOCKET_IO {
            // That was the engine's; the namespace has a welcome of its own.
            socket.say(CONNECT).await?;
            socket.next_text(&[]).await?;
        }
        Ok(socket)
    }
}

/// An open connection.
pub(super) struct Socket {
    stream: TcpStream,
    frames: Frames,
}

impl Socket {
    /// Waits for a text; these bytes have come already.
    async fn next_text(&mut self, early: &[u8]) -> io::Result<()> {
        let mut heard = false;
        let mut hear = |said: Said<'_>| heard |= matches!(said, Said::Text(_));
        self.frames.feed(early, &mut hear);
        while !heard {
            self.read(|said| heard |= matches!(said, Said::Text(_)))
                .await?;
        }
        Ok(())
    }

    async fn say(&mut self, text: &[u8]) -> io::Result<()> {
        self.stream.write_all(&masked(0x81, text)).await
    }

    /// Listens until the connection ends.
    pub(super) async fn listen(mut self, tally: &Arc<Tally>) {
        let mut open = true;
        while open {
            let heard = self.read(|said| match said {
                Said::Text(Some(at_us)) => tally.heard(now_us().saturating_sub(at_us)),
                Said::Text(None) | Said::Ping(_) | Said::EnginePing => {}
                Said::Close(why) => {
                    open = false;
                    eprintln!("closed: {}", told(why));
                }
            });
            if heard.await.is_err() {
                return;
            }
        }
    }

    /// Waits until something has come, and hears it; pings are answered.
    pub(super) async fn read(&mut self, hear: impl FnMut(Said<'_>)) -> io::Result<()> {
        self.stream.readable().await?;
        match self.take_in(hear)? {
            Some(pong) => self.stream.write_all(&pong).await,
            None => Ok(()),
        }
    }

    /// What has come, without waiting. Returns the pong to answer with.
    fn take_in(&mut self, mut hear: impl FnMut(Said<'_>)) -> io::Result<Option<Vec<u8>>> {
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.resize(READ_BYTES, 0);
            let length = match self.stream.try_read(scratch) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            };
            let mut pong = None;
            self.frames.feed(&scratch[..length], |said| {
                match said {
                    Said::Ping(payload) => pong = Some(masked(0x8a, payload)),
                    Said::EnginePing => pong = Some(masked(0x81, ENGINE_PONG)),
                    Said::Text(_) | Said::Close(_) => {}
                }
                hear(said);
            });
            Ok(pong)
        })
    }

    /// Leaves as one should, and does not wait for the answer.
    pub(super) async fn leave(mut self) {
        self.stream
            .write_all(&masked(0x88, &1000_u16.to_be_bytes()))
            .await
            .ok();
    }
}

/// A frame of a client with a short payload; the mask is of zeros, which leaves it as it is.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("control frames are short");
    let mut frame = vec![first, 0x80 | length, 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

/// The code of a close frame, and the reason in words.
fn told(close: &[u8]) -> String {
    let Some((code, reason)) = close.split_at_checked(2) else {
        return "without a code".to_owned();
    };
    let code = u16::from_be_bytes([code[0], code[1]]);
    format!("{code} {}", String::from_utf8_lossy(reason))
}
