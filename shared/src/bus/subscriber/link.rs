//! The one subscription connection of a node: made, lost, made again.

use std::{future::Future, io, mem, pin::Pin, time::Duration};

use tokio::{
    net::TcpStream,
    time::{Instant, Sleep, sleep, timeout},
};

use super::{
    backoff::{Failures, Pauses},
    connection::{Connection, Login},
    resp::Frame,
};
use crate::{bus::BusError, config::RedisSettings};

/// Between the attempts to connect, at first and at most.
const PAUSES: Pauses = Pauses {
    first: Duration::from_millis(50),
    max: Duration::from_secs(3),
};
/// A connection that lived this long was a good one: the next loss is a new story.
const GOOD_LIFE: Duration = Duration::from_secs(10);

/// Where Redis is, and who we are there.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    host: String,
    port: u16,
    login: Login,
    timeout: Duration,
}

impl Endpoint {
    pub(super) fn new(settings: &RedisSettings) -> Result<Self, BusError> {
        let configuration = |reason: String| BusError::Configuration(reason);
        let client = redis::Client::open(settings.url.as_str())
            .map_err(|error| configuration(error.to_string()))?;
        let info = client.get_connection_info();
        let redis::ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err(configuration("only redis://host:port is served".into()));
        };
        let redis = info.redis_settings();
        Ok(Self {
            host: host.clone(),
            port: *port,
            login: Login {
                username: redis.username().map(str::to_owned),
                password: redis.password().map(str::to_owned),
            },
            timeout: settings.timeout,
        })
    }

    async fn connect(self) -> io::Result<Connection<TcpStream>> {
        timeout(self.timeout, async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            Connection::open(stream, &self.login).await
        })
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
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

type Connecting = Pin<Box<dyn Future<Output = io::Result<Connection<TcpStream>>> + Send>>;

enum State {
    Waiting(Pin<Box<Sleep>>),
    Connecting(Connecting),
    Up(Box<Connection<TcpStream>>),
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
                        tracing::warn!(%error, "no subscription connection to redis");
                        self.wait();
                    }
                },
                State::Up(connection) => match connection.frame().await {
                    Ok(frame) => {
                        self.heard_at = Instant::now();
                        return LinkEvent::Frame(frame);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the subscription connection to redis ended");
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
