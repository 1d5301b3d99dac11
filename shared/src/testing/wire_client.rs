//! A client of the native WebSocket protocol (SPEC §4), for tests and command line tools. Other protocols' texts come as JSON
//! strings where they are no JSON.
//!
//! The socket is read by a task of its own: `read_frame` of fastwebsockets must never be cancelled half-way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use fastwebsockets::{
    FragmentCollectorRead, Frame, OpCode, Payload, WebSocketError, WebSocketWrite,
};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, Response, StatusCode, body::Incoming, header, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{ReadHalf, WriteHalf},
    net::TcpStream,
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Frames that wait for most callers.
const READS_AHEAD: usize = 4096;
/// The subprotocol with several objects a message, one on each line.
const IN_LINES: &str = "hubbub.v1.nd";

/// How to say who one is.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Not at all; a first frame may follow.
    None,
    /// `Authorization: Bearer`.
    Bearer(String),
    /// `?token=`.
    Query(String),
    /// The `session` cookie, from a page of this origin.
    Cookie {
        /// The cookie's value.
        session: String,
        /// The page's origin.
        origin: String,
    },
}

/// What to ask for when connecting.
#[derive(Debug, Clone)]
pub struct Connect {
    /// `http://host:port` of a gateway or a balancer.
    pub base: String,
    /// Where sockets are asked for there, perhaps with a query.
    pub path: &'static str,
    /// Who connects.
    pub credentials: Credentials,
    /// `{channel: {epoch, offset}}` to go on from.
    pub resume: Option<Value>,
    /// Subprotocols to offer.
    pub protocols: Option<String>,
    /// Frames that are read before they are asked for; then the socket is not read either.
    pub reads_ahead: usize,
}

impl Connect {
    /// A connection with a token in the header.
    pub fn bearer(base: &str, token: &str) -> Self {
        Self {
            base: base.to_owned(),
            path: "/ws",
            credentials: Credentials::Bearer(token.to_owned()),
            resume: None,
            protocols: None,
            reads_ahead: READS_AHEAD,
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server answered, but not with an upgrade.
    #[error("refused with {status}: {problem}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// `Retry-After`, in seconds.
        retry_after: Option<u64>,
        /// The problem document.
        problem: Value,
    },
    /// There was no answer.
    #[error("no connection: {0}")]
    Failed(String),
}

/// What came from the server.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// A frame; where a message is several objects, one of them.
    Frame(Value),
    /// A close frame with its code and reason text; nothing follows. Code 1006: the connection broke without one.
    Closed(u16, String),
}

type Writer = Arc<Mutex<WebSocketWrite<WriteHalf<TokioIo<Upgraded>>>>>;
type Reader = FragmentCollectorRead<ReadHalf<TokioIo<Upgraded>>>;

/// An open connection.
pub struct WireClient {
    writer: Writer,
    frames: mpsc::Receiver<Received>,
    messages: Arc<AtomicU64>,
    reading: JoinHandle<()>,
    /// The subprotocol that the server chose.
    pub protocol: Option<String>,
}

impl WireClient {
    /// Connects.
    pub async fn connect(connect: &Connect) -> Result<Self, ConnectError> {
        let attempt = tokio::time::timeout(CONNECT_TIME_MAX, handshake(connect)).await;
        let (socket, response) = attempt.map_err(|_| failed("no answer in time"))??;
        let protocol = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
        let protocol = protocol
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let (reader, writer) = socket.split(tokio::io::split);
        let writer = Arc::new(Mutex::new(writer));
        let (sender, frames) = mpsc::channel(connect.reads_ahead);
        let reader = FragmentCollectorRead::new(reader);
        let messages = Arc::<AtomicU64>::default();
        let in_lines = protocol.as_deref() == Some(IN_LINES);
        let sink = Sink {
            frames: sender,
            messages: Arc::clone(&messages),
            in_lines,
        };
        let reading = tokio::spawn(read(reader, Arc::clone(&writer), sink));
        Ok(Self {
            writer,
            frames,
            messages,
            reading,
            protocol,
        })
    }

    /// Messages that have come: fewer than frames, where a message is several objects.
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Sends a JSON text frame.
    pub async fn send(&self, frame: &Value) -> Result<(), WebSocketError> {
        self.send_text(&frame.to_string()).await
    }

    /// Sends a text frame of another protocol.
    pub async fn send_text(&self, text: &str) -> Result<(), WebSocketError> {
        let text = text.as_bytes().to_vec();
        self.send_raw(OpCode::Text, text).await
    }

    /// Sends any frame, also one that the server must refuse.
    pub async fn send_raw(&self, opcode: OpCode, payload: Vec<u8>) -> Result<(), WebSocketError> {
        let frame = Frame::new(true, opcode, None, Payload::Owned(payload));
        self.writer.lock().await.write_frame(frame).await
    }

    /// The next thing from the server, waited for at most that long. Safe to cancel.
    pub async fn next_within(&mut self, limit: Duration) -> Option<Received> {
        tokio::time::timeout(limit, self.next()).await.ok()
    }

    /// The next thing from the server. Safe to cancel.
    pub async fn next(&mut self) -> Received {
        let broken = || Received::Closed(1006, String::new());
        self.frames.recv().await.unwrap_or_else(broken)
    }

    /// Says goodbye with this code.
    pub async fn close(&self, code: u16) -> Result<(), WebSocketError> {
        let frame = Frame::close(code, b"");
        self.writer.lock().await.write_frame(frame).await
    }
}

impl Drop for WireClient {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

async fn handshake(
    connect: &Connect,
) -> Result<
    (
        fastwebsockets::WebSocket<TokioIo<Upgraded>>,
        Response<Incoming>,
    ),
    ConnectError,
> {
    let authority = connect
        .base
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let request = request(connect, authority).map_err(failed)?;
    let stream = TcpStream::connect(authority).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    // Done by hand, not by `fastwebsockets::handshake::client`: that one hides the answer of a refusal.
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
        .await
        .map_err(failed)?;
    let connection = tokio::spawn(connection.with_upgrades());
    let mut response = sender.send_request(request).await.map_err(failed)?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let refused = refused(response).await;
        connection.abort();
        return Err(refused);
    }
    let upgraded = hyper::upgrade::on(&mut response).await.map_err(failed)?;
    let mut socket = fastwebsockets::WebSocket::after_handshake(
        TokioIo::new(upgraded),
        fastwebsockets::Role::Client,
    );
    socket.set_max_message_size(16 << 20);
    Ok((socket, response))
}

fn request(
    connect: &Connect,
    authority: &str,
) -> Result<Request<Empty<Bytes>>, hyper::http::Error> {
    let mut query = Vec::new();
    if let Credentials::Query(token) = &connect.credentials {
        query.push(format!("token={token}"));
    }
    if let Some(resume) = &connect.resume {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        query.push(format!(
            "resume={}",
            BASE64_URL_SAFE_NO_PAD.encode(resume.to_string())
        ));
    }
    let between = if connect.path.contains('?') { '&' } else { '?' };
    let target = format!("{}{between}{}", connect.path, query.join("&"));
    let mut request = Request::get(target)
        .header(header::HOST, authority)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(
            header::SEC_WEBSOCKET_KEY,
            fastwebsockets::handshake::generate_key(),
        );
    match &connect.credentials {
        Credentials::Bearer(token) => {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        Credentials::Cookie { session, origin } => {
            let cookie = format!("{}={session}", crate::credentials::SESSION_COOKIE);
            request = request
                .header(header::COOKIE, cookie)
                .header(header::ORIGIN, origin);
        }
        Credentials::None | Credentials::Query(_) => {}
    }
    if let Some(protocols) = &connect.protocols {
        request = request.header(header::SEC_WEBSOCKET_PROTOCOL, protocols);
    }
    request.body(Empty::new())
}

async fn refused(response: Response<Incoming>) -> ConnectError {
    let status = response.status();
    let retry_after = response.headers().get(header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    let body = Limited::new(response.into_body(), 1 << 20).collect().await;
    let body = body
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let problem = serde_json::from_slice(&body).unwrap_or_default();
    ConnectError::Refused {
        status,
        retry_after,
        problem,
    }
}

fn failed(error: impl std::fmt::Display) -> ConnectError {
    ConnectError::Failed(error.to_string())
}

/// Where what is read goes.
struct Sink {
    frames: mpsc::Sender<Received>,
    messages: Arc<AtomicU64>,
    in_lines: bool,
}

async fn read(mut reader: Reader, writer: Writer, sink: Sink) {
    loop {
        // Pongs and close echoes that the protocol obliges us to send.
        let mut oblige = async |frame| writer.lock().await.write_frame(frame).await;
        let received = match reader.read_frame(&mut oblige).await {
            Ok(frame) => decode(&frame, sink.in_lines),
            Err(_) => vec![Received::Closed(1006, String::new())],
        };
        sink.messages
            .fetch_add(u64::from(!received.is_empty()), Ordering::Relaxed);
        for received in received {
            let last = matches!(received, Received::Closed(..));
            if sink.frames.send(received).await.is_err() || last {
                return;
            }
        }
    }
}

fn decode(frame: &Frame<'_>, in_lines: bool) -> Vec<Received> {
    match frame.opcode {
        OpCode::Text if in_lines => frame
            .payload
            .split(|byte| *byte == b'\n')
            .map(object)
            .collect(),
        OpCode::Text => vec![object(&frame.payload)],
        OpCode::Close => {
            let (code, reason) = frame
                .payload
                .split_first_chunk::<2>()
                .map_or((1005, &[][..]), |(code, reason)| {
                    (u16::from_be_bytes(*code), reason)
                });
            let reason = String::from_utf8_lossy(reason).into_owned();
            vec![Received::Closed(code, reason)]
        }
        _ => Vec::new(),
    }
}

fn object(text: &[u8]) -> Received {
    let json = serde_json::from_slice(text);
    // Not JSON: handed on as a string, for the caller to stumble over.
    let text = || String::from_utf8_lossy(text).into_owned().into();
    Received::Frame(json.unwrap_or_else(|_| text()))
}
