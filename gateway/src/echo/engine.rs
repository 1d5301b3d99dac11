//! Engine.IO by itself, and with Socket.IO on top.

use std::{io, net::IpAddr, ops::ControlFlow, pin::pin, sync::Arc, time::Duration};

use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
};
use shared::wire::CloseReason;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::words::{Heard, Over, Talk};
use crate::{
    codec::{
        Frame,
        socketio::{self, Opening, Terms},
    },
    http::{
        self, Slot, Take,
        engine::{self, Answer, Host, Outcome, Probe, Wait},
    },
    polling::Polls,
    relay::Relayed,
    transport::ws::{self, Inflater, Limits, Message, Parser},
};

const PING_INTERVAL: Duration = Duration::from_millis(300);
const PING_TIMEOUT: Duration = Duration::from_millis(200);
const CONNECT_TIME_MAX: Duration = Duration::from_secs(1);
const PAYLOAD_BYTES_MAX: usize = 1_000_000;
/// Between two messages of Socket.IO: its suite listens for one at a time, and misses another that comes in the same piece of
/// the stream (socketio/socket.io-protocol, issue 32).
const PAUSE: Duration = Duration::from_millis(5);
const READ_BYTES: usize = 64 * 1024;
const CONNECTIONS_MAX: usize = 1000;

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// At `/engine.io/`: every message comes back, text and binary.
    EngineIo,
    /// At `/socket.io/`, in the namespaces `/` and `/custom`: `auth` tells the payload of the connection, `message` is
    /// answered with `message-back`, `message-with-ack` with an acknowledgement.
    SocketIo,
}

impl Protocol {
    fn is_at(self, path: &str) -> bool {
        let name = match self {
            Self::EngineIo => "engine.io",
            Self::SocketIo => "socket.io",
        };
        path.trim_matches('/') == name
    }
}

/// Accepts connections from any origin and answers them as [`Protocol`] says. Ends only with an error of the listener.
pub async fn serve(listener: TcpListener, protocol: Protocol) -> io::Result<()> {
    let echo = Arc::new(Echo {
        protocol,
        polls: Polls::new(),
    });
    let mut connections = JoinSet::new();
    let sweeper = Arc::clone(&echo);
    let mut sweeping = pin!(sweeper.polls.keep());
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted?,
            never = &mut sweeping => match never {},
        };
        stream.set_nodelay(true)?;
        while connections.try_join_next().is_some() {}
        if connections.len() < CONNECTIONS_MAX {
            connections.spawn(Arc::clone(&echo).connection(stream, peer.ip()));
        }
    }
}

struct Echo {
    protocol: Protocol,
    polls: Polls,
}

/// Somebody who was let in.
struct Admitted {
    opening: Opening,
    compressed: bool,
}

enum Taken {
    Connection(Admitted),
    Probe(Probe),
    Poll(Wait),
}

impl Take for Taken {
    fn writes_itself(&self) -> bool {
        matches!(self, Self::Poll(_))
    }
}

impl Echo {
    async fn connection(self: Arc<Self>, stream: TcpStream, peer: IpAddr) {
        let respond = |request, slot| Box::pin(self.respond(request, peer, slot));
        match http::take(stream, respond).await {
            Ok(Some((stream, unread, Taken::Connection(admitted)))) => {
                self.converse(stream, unread, admitted).await;
            }
            Ok(Some((stream, unread, Taken::Probe(probe)))) => {
                probe.run(&*self, stream, unread).await;
            }
            Ok(Some((stream, _, Taken::Poll(wait)))) => wait.run(&self.polls, stream).await,
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "a request that could not be answered"),
        }
    }

    async fn respond(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        peer: IpAddr,
        slot: Arc<Slot<Taken>>,
    ) -> Answer {
        if !self.protocol.is_at(request.uri().path()) {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NOT_FOUND;
            return response;
        }
        match engine::respond(self, &mut request, peer).await {
            Outcome::Answer(response) => response,
            Outcome::Upgrade(response, admitted) => {
                slot.put(Taken::Connection(admitted));
                response
            }
            Outcome::Probe(response, probe) => {
                slot.put(Taken::Probe(probe));
                response
            }
            Outcome::Relay(_) => Response::default(),
            Outcome::Poll(wait) => {
                slot.put(Taken::Poll(wait));
                std::future::pending().await
            }
        }
    }

    async fn converse(&self, stream: TcpStream, unread: Vec<u8>, admitted: Admitted) {
        let terms = Terms {
            ping_interval_ms: 300,
            ping_timeout_ms: 200,
            payload_bytes_max: PAYLOAD_BYTES_MAX,
        };
        let open = socketio::open(&admitted.opening, terms);
        let limits = Limits {
            message_bytes_max: PAYLOAD_BYTES_MAX,
            compressed: admitted.compressed,
        };
        let now = Instant::now();
        let mut conversation = Conversation {
            stream,
            parser: Parser::new(limits),
            inflater: Inflater::default(),
            talk: Talk::new(self.protocol),
            ping_at: now + PING_INTERVAL,
            pinged: false,
            connect_until: now + CONNECT_TIME_MAX,
        };
        let ended = conversation.run(open, unread).await;
        if let Ok(reason) = ended {
            ws::refuse(conversation.stream, &[Frame::close(reason, None)]).await;
        }
    }
}

impl Host for Echo {
    type Granted = Admitted;

    fn polls(&self) -> &Polls {
        &self.polls
    }

    fn cors<B>(&self, request: &Request<B>) -> HeaderMap {
        let origin = request.headers().get(header::ORIGIN);
        let origin = origin.and_then(|origin: &HeaderValue| origin.to_str().ok());
        http::cors(request, origin.map(str::to_owned).as_slice())
    }

    fn message_bytes_max(&self) -> usize {
        PAYLOAD_BYTES_MAX
    }

    async fn admit(
        self: &Arc<Self>,
        request: &mut Request<Incoming>,
        _peer: IpAddr,
        opening: Opening,
    ) -> Result<(Answer, Admitted), Answer> {
        let (response, compressed) = if opening.is_polled {
            (Response::default(), false)
        } else {
            let accepted = ws::accept(request, ws::Protocol::Unnamed);
            let (response, window) = accepted.map_err(|error| {
                let mut response = Response::new(error.to_string().into());
                *response.status_mut() = StatusCode::BAD_REQUEST;
                response
            })?;
            (response, window.is_some())
        };
        let admitted = Admitted {
            opening,
            compressed,
        };
        Ok((response, admitted))
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, admitted: Admitted) {
        self.converse(stream, Vec::new(), admitted).await;
    }

    fn new_sid(&self) -> String {
        format!("{:032x}", rand::random::<u128>())
    }

    async fn hand_on(
        &self,
        _request: &mut Request<Incoming>,
        _peer: IpAddr,
        _sid: &str,
    ) -> Result<Relayed, Answer> {
        Err(engine::unknown())
    }

    fn asked(&self) {}

    fn upgraded(&self, _succeeded: bool) {}
}

/// One client, on a socket of its own or on one that is polled.
struct Conversation {
    stream: TcpStream,
    parser: Parser,
    inflater: Inflater,
    talk: Talk,
    /// Or, after a ping, since when it waits for the answer.
    ping_at: Instant,
    pinged: bool,
    connect_until: Instant,
}

impl Conversation {
    /// Returns what to close with; an error where nobody is there to hear it.
    async fn run(&mut self, open: Frame, unread: Vec<u8>) -> io::Result<CloseReason> {
        self.stream.write_all(open.bytes()).await?;
        let mut bytes = unread;
        loop {
            if let ControlFlow::Break(reason) = self.hear(&mut bytes).await? {
                return Ok(reason);
            }
            bytes.clear();
            bytes.reserve(READ_BYTES);
            let until = self.until();
            let read = tokio::select! {
                read = self.stream.read_buf(&mut bytes) => Some(read?),
                () = sleep_until(until) => None,
            };
            match read {
                Some(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Some(_) => {}
                None if !self.talk.is_connected() && Instant::now() >= self.connect_until => {
                    return Ok(CloseReason::Unauthenticated);
                }
                None if self.pinged => return Ok(CloseReason::HeartbeatMissed),
                None => {
                    self.pinged = true;
                    self.stream.write_all(socketio::ping().bytes()).await?;
                }
            }
        }
    }

    /// When something is to be done if nothing is heard.
    fn until(&self) -> Instant {
        let patience = if self.pinged {
            PING_TIMEOUT
        } else {
            Duration::ZERO
        };
        let until = self.ping_at + patience;
        if self.talk.is_connected() {
            until
        } else {
            until.min(self.connect_until)
        }
    }

    async fn hear(&mut self, bytes: &mut [u8]) -> io::Result<ControlFlow<CloseReason>> {
        let mut told = Vec::new();
        let mut over = None;
        let (talk, ping_at, pinged) = (&mut self.talk, &mut self.ping_at, &mut self.pinged);
        let fed = self.parser.feed(bytes, &mut self.inflater, |message| {
            let heard = match message {
                Message::Text(text) => talk.on_text(text, &mut told).map(|heard| {
                    if heard == Heard::Pong {
                        *ping_at = Instant::now() + PING_INTERVAL;
                        *pinged = false;
                    }
                }),
                Message::Binary(bytes) => talk.on_binary(bytes, &mut told),
                Message::Ping(payload) => {
                    told.push(Frame::pong(payload));
                    Ok(())
                }
                Message::Pong(_) => Ok(()),
                Message::Close(_) => Err(Over::Goodbye),
            };
            match heard {
                Ok(()) => ControlFlow::Continue(()),
                Err(why) => {
                    over = Some(why);
                    ControlFlow::Break(())
                }
            }
        });
        if matches!(self.talk, Talk::Engine) {
            let all: Vec<u8> = told.iter().flat_map(Frame::bytes).copied().collect();
            self.stream.write_all(&all).await?;
        } else {
            for (number, frame) in told.iter().enumerate() {
                if number > 0 {
                    sleep(PAUSE).await;
                }
                self.stream.write_all(frame.bytes()).await?;
            }
        }
        Ok(match (fed, over) {
            (Err(violation), _) => ControlFlow::Break(violation.close_reason()),
            (Ok(()), Some(Over::Goodbye)) => ControlFlow::Break(CloseReason::Normal),
            (Ok(()), Some(Over::Breach)) => ControlFlow::Break(CloseReason::ProtocolError),
            (Ok(()), None) => ControlFlow::Continue(()),
        })
    }
}
