//! A subscription connection to one server: made, lost, made again.

use std::{future::Future, io, mem, pin::Pin, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, Sleep, sleep, timeout},
};

use super::{
    connection::{Connection, Login},
    resp::Frame,
};
use crate::{
    bus::{
        backoff::{Failures, Pauses},
        topology::Server,
    },
    tls,
};

/// Between the attempts to connect, at first and at most.
const PAUSES: Pauses = Pauses {
    first: Duration::from_millis(50),
    max: Duration::from_secs(3),
};
/// A connection that lived this long was a good one: the next loss is a new story.
const GOOD_LIFE: Duration = Duration::from_secs(10);

/// Bytes to and from a server, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Where a server is, and who we are there.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) server: Server,
    /// For servers that are reached by TLS.
    pub(super) tls: Option<tls::Client>,
    pub(super) timeout: Duration,
}

impl Endpoint {
    async fn connect(self) -> io::Result<Connection<Box<dyn Stream>>> {
        let login = Login {
            username: self.server.username().map(str::to_owned),
            password: self.server.password().map(str::to_owned),
        };
        let opening = async { Connection::open(self.stream().await?, &login).await };
        let opened = timeout(self.timeout, opening).await;
        opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn stream(&self) -> io::Result<Box<dyn Stream>> {
        let (host, port, is_tls) = self.server.addr();
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            Some(tls) if is_tls => Ok(Box::new(tls.connect(host, stream).await?)),
            _ => Ok(Box::new(stream)),
        }
    }
}

/// What happened to the link.
#[derive(Debug)]
pub(super) enum LinkEvent {
    /// A new connection, with no subscription yet.
    Up,
    /// The connection is gone, and with it every subscription.
    Down,
    /// Something came.
    Frame(Frame),
}

type Connecting = Pin<Box<dyn Future<Output = io::Result<Connection<Box<dyn Stream>>>> + Send>>;

enum State {
    Waiting(Pin<Box<Sleep>>),
    Connecting(Connecting),
    Up(Box<Connection<Box<dyn Stream>>>),
}

/// Keeps one connection, with growing pauses between attempts.
pub(super) struct Link {
    endpoint: Endpoint,
    state: State,
    failures: Failures,
    up_since: Instant,
    heard_at: Instant,
}

impl Link {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            state: State::Waiting(Box::pin(sleep(Duration::ZERO))),
            failures: Failures::default(),
            up_since: Instant::now(),
            heard_at: Instant::now(),
        }
    }

    pub(super) fn server(&self) -> &Server {
        &self.endpoint.server
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// When something last came.
    pub(super) fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// Queues a command; lost when the link is down.
    pub(super) fn send(&mut self, words: &[String]) {
        if let State::Up(connection) = &mut self.state {
            connection.send(words);
        }
    }

    /// Gives the connection up, so that another is made.
    pub(super) fn drop_connection(&mut self) {
        if self.is_up() {
            self.wait();
        }
    }

    /// A frame that came together with others.
    pub(super) fn buffered_frame(&mut self) -> Option<Frame> {
        match &mut self.state {
            // An error is kept by the connection, and found again by `next`.
            State::Up(connection) => connection.buffered_frame().ok().flatten(),
            _ => None,
        }
    }

    /// What happens next. May be dropped and called again at any point.
    pub(super) async fn next(&mut self) -> LinkEvent {
        loop {
            match &mut self.state {
                State::Waiting(pause) => {
                    pause.as_mut().await;
                    self.state = State::Connecting(Box::pin(self.endpoint.clone().connect()));
                }
                State::Connecting(connecting) => match connecting.as_mut().await {
                    Ok(connection) => {
                        self.state = State::Up(Box::new(connection));
                        self.up_since = Instant::now();
                        self.heard_at = self.up_since;
                        return LinkEvent::Up;
                    }
                    Err(error) => {
                        let server = &self.endpoint.server;
                        tracing::warn!(?server, %error, "no subscription connection to redis");
                        self.wait();
                    }
                },
                State::Up(connection) => match connection.frame().await {
                    Ok(frame) => {
                        self.heard_at = Instant::now();
                        return LinkEvent::Frame(frame);
                    }
                    Err(error) => {
                        let server = &self.endpoint.server;
                        tracing::warn!(?server, %error, "the subscription connection to redis ended");
                        self.wait();
                        return LinkEvent::Down;
                    }
                },
            }
        }
    }

    fn wait(&mut self) {
        if self.is_up() && self.up_since.elapsed() > GOOD_LIFE {
            self.failures.reset();
        }
        let pause = sleep(self.failures.next_wait(&PAUSES));
        drop(mem::replace(
            &mut self.state,
            State::Waiting(Box::pin(pause)),
        ));
    }
}
