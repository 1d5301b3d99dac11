//! Socket.IO's way to say who one is: the payload of the packet that connects to the namespace.

use serde::Deserialize;
use serde_json::Value;
use shared::wire::{CloseReason, Code, Problem};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use super::{
    admission,
    credentials::{self, Claim, Known},
};
use crate::{
    codec::{
        Frame,
        socketio::{self, Engine, Kind, Opening, Packet, Terms},
    },
    metrics::{HandshakeResult, Refused},
    node::Node,
    refusal::Refusal,
    session::Resume,
    transport::{
        Shown, SocketIo, Transport,
        ws::{self, Limits, NoFirstFrame},
    },
};

/// Other namespaces that are asked for before ours, and are refused.
const TRIES_MAX: usize = 8;

/// What a client shows.
#[derive(Default, Deserialize)]
struct Auth {
    #[serde(default)]
    token: Option<String>,
    /// The library's, of an earlier connection.
    #[serde(default)]
    pid: Option<String>,
    #[serde(default)]
    offset: Option<String>,
}

/// Opens the engine, and waits for the client to connect. Also returns what it resumes from, and the bytes that came after.
/// `None`: it was told why not, or is gone.
pub(super) async fn connect(
    node: &Node,
    mut stream: TcpStream,
    unread: Vec<u8>,
    (known, socket): (Result<Known, Refusal>, &mut SocketIo),
) -> Option<(TcpStream, Known, Resume, Vec<u8>)> {
    match try_connect(node, &mut stream, unread, (known, socket)).await {
        Ok((known, resume, rest)) => Some((stream, known, resume, rest)),
        Err(Failed::Refused(refusal)) => {
            let result = refusal.result();
            node.metrics.handshake(Transport::SocketIo, result);
            refuse(stream, refusal).await;
            None
        }
        Err(Failed::Left) => {
            ws::refuse(stream, &[Frame::close(CloseReason::Normal, None)]).await;
            None
        }
        Err(Failed::Gone) => {
            ws::refuse(stream, &[]).await;
            None
        }
        Err(Failed::Broken) => {
            let result = HandshakeResult::Malformed;
            node.metrics.handshake(Transport::SocketIo, result);
            ws::refuse(stream, &[Frame::close(CloseReason::ProtocolError, None)]).await;
            None
        }
    }
}

enum Failed {
    Refused(Refusal),
    /// Whatever came was not the beginning of Socket.IO, or nothing came.
    Broken,
    /// The client had left the namespace before, and does not come back.
    Left,
    /// Nor is it on the engine any more.
    Gone,
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A client that is told why by a packet does not come back by itself: so what passes is told by the engine's end alone.
async fn refuse(stream: TcpStream, refusal: Refusal) {
    let [_, close] = refusal.to_frames();
    let problem: Problem = refusal.into_problem();
    if Code::from_name(&problem.code).is_some_and(Code::retryable) {
        ws::refuse(stream, &[close]).await;
    } else {
        ws::refuse(stream, &[socketio::refused("/", &problem), close]).await;
    }
}

async fn try_connect(
    node: &Node,
    stream: &mut TcpStream,
    unread: Vec<u8>,
    (known, socket): (Result<Known, Refusal>, &mut SocketIo),
) -> Result<(Known, Resume, Vec<u8>), Failed> {
    let Ok(_place) = node.places.strangers.try_acquire() else {
        node.metrics.refused(Refused::Strangers);
        let detail = "Too many connections have not said who they are";
        return Err(Refusal::new(Code::Overloaded, detail).into());
    };
    let opening = socket.take_opening();
    let is_again = opening.is_none();
    let waited = wait(node, stream, unread, (opening, socket.is_compressed()));
    let waited = timeout(node.config.timing.authentication, waited).await;
    let Ok(waited) = waited else {
        if is_again {
            return Err(Failed::Left);
        }
        let detail = "No connection to the namespace came in time";
        return Err(Refusal::new(Code::Unauthenticated, detail).into());
    };
    let (auth, rest) = waited?;
    if is_again {
        // The request was counted, and this is one handshake more.
        admission::handshake(node)?;
    }
    let auth: Auth = serde_json::from_value(auth)
        .map_err(|error| Refusal::new(Code::InvalidRequest, format!("auth: {error}")))?;
    // What cannot be read is of no use, and no harm: the client begins anew, and knows it by the new `pid`.
    let shown = auth.pid.as_deref();
    let shown = shown.and_then(|pid| Shown::read(pid, auth.offset.as_deref()).ok());
    let known = identify(node, auth.token, known, shown.as_ref()).await?;
    // The library shows what it has, also to somebody else who signs in on the same page: of another's connection nothing is
    // recovered, and the `pid` that would bring it back is replaced.
    let shown = shown.filter(|shown| shown.cursor.is_of(known.who.user_id));
    let resume = match (shown, auth.pid) {
        (Some(shown), Some(pid)) => {
            socket.comes_back(pid);
            Resume {
                positions: shown.cursor.into_positions(),
                unknown: Vec::new(),
            }
        }
        _ => Resume::default(),
    };
    Ok((known, resume, rest))
}

/// The token of the packet wins over what came with the request, good or bad. One that has expired does not matter to whoever
/// comes back.
async fn identify(
    node: &Node,
    token: Option<String>,
    known: Result<Known, Refusal>,
    shown: Option<&Shown>,
) -> Result<Known, Refusal> {
    let again = shown.map(|shown| Claim::Token(shown.token.clone()));
    let refusal = match (token, known) {
        (Some(token), _) => match credentials::establish(node, Claim::Token(token)).await {
            Ok(known) => return Ok(known),
            Err(refusal) => refusal,
        },
        (None, Ok(known)) => return Ok(known),
        (None, Err(refusal)) => refusal,
    };
    match again {
        Some(claim) if refusal.is_about_who() => {
            // Why this one is not good either is of no interest.
            credentials::establish(node, claim).await.or(Err(refusal))
        }
        _ => Err(refusal),
    }
}

/// Waits for the namespace to be asked for; returns the payload. Without an opening the engine is open already, and its
/// client has left the namespace.
async fn wait(
    node: &Node,
    stream: &mut TcpStream,
    mut unread: Vec<u8>,
    (opening, compressed): (Option<Opening>, bool),
) -> Result<(Value, Vec<u8>), Failed> {
    let limits = Limits {
        message_bytes_max: node.config.limits.frame_bytes_max,
        compressed,
    };
    let ping_ms = node.session_settings.intervals.ping_ms;
    let is_again = opening.is_none();
    if is_again {
        // The engine goes on, and its client waits for the next ping from now on.
        let told = write(stream, &socketio::ping()).await;
        told.map_err(|_| Failed::Gone)?;
    }
    if let Some(opening) = opening {
        let terms = Terms {
            ping_interval_ms: ping_ms,
            ping_timeout_ms: ping_ms,
            payload_bytes_max: limits.message_bytes_max,
        };
        write(stream, &socketio::open(&opening, terms)).await?;
    }
    for _ in 0..TRIES_MAX {
        let first = ws::first_text(stream, unread, limits).await;
        let first = first.map_err(|error| match error {
            NoFirstFrame::Gone | NoFirstFrame::Io(_) if is_again => Failed::Gone,
            _ => Failed::Broken,
        })?;
        let packet = match Engine::parse(&first.text) {
            Ok(Engine::Message(text)) => Packet::parse(text).map_err(|_| Failed::Broken)?,
            Ok(Engine::Close) if is_again => return Err(Failed::Left),
            Ok(Engine::Pong) if is_again => {
                unread = first.rest;
                continue;
            }
            _ => return Err(Failed::Broken),
        };
        match packet.kind {
            Kind::Connect(auth) if packet.namespace == "/" => return Ok((auth, first.rest)),
            Kind::Connect(_) => write(stream, &socketio::no_namespace(packet.namespace)).await?,
            _ => return Err(Failed::Broken),
        }
        unread = first.rest;
    }
    Err(Failed::Broken)
}

async fn write(stream: &mut TcpStream, frame: &Frame) -> Result<(), Failed> {
    let written = stream.write_all(frame.bytes()).await;
    written.map_err(|_| Failed::Broken)
}
