//! `/socket.io/`: a request begins a session, belongs to one that is polled, or is refused in the words that its clients know.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
};
use serde_json::json;
use shared::wire::Code;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use super::events::{cors, lines, with};
use crate::{
    handshake::{self, Granted, resume::parameter},
    node::Node,
    polling::PollSession,
    refusal::Refusal,
    transport::Transport,
};

/// A client that takes so long for an answer is not there.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// What a request comes to.
pub(super) enum Outcome {
    Answer(Response<Full<Bytes>>),
    Upgrade(Response<Full<Bytes>>, Box<Granted>),
    Poll(Wait),
}

/// Why a request is none of the protocol; numbers and texts are the protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unfit {
    UnknownTransport,
    UnknownSession,
    BadMethod,
    BadRequest,
    UnsupportedVersion,
}

impl Unfit {
    fn code(self) -> (u8, &'static str) {
        match self {
            Self::UnknownTransport => (0, "Transport unknown"),
            Self::UnknownSession => (1, "Session ID unknown"),
            Self::BadMethod => (2, "Bad handshake method"),
            Self::BadRequest => (3, "Bad request"),
            Self::UnsupportedVersion => (5, "Unsupported protocol version"),
        }
    }

    fn body(self) -> String {
        let (code, message) = self.code();
        json!({ "code": code, "message": message }).to_string()
    }

    fn to_response(self) -> Response<Full<Bytes>> {
        answer(StatusCode::BAD_REQUEST, "application/json", self.body())
    }
}

fn answer(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn text(body: String) -> Response<Full<Bytes>> {
    answer(StatusCode::OK, "text/plain; charset=UTF-8", body)
}

/// Says what a request comes to.
pub(super) async fn respond(
    node: &Arc<Node>,
    request: &mut Request<Incoming>,
    peer: IpAddr,
) -> Outcome {
    let query = request.uri().query().unwrap_or_default();
    let is_polled = match parameter(query, "transport") {
        Some("websocket") => false,
        Some("polling") => true,
        _ => return Outcome::Answer(Unfit::UnknownTransport.to_response()),
    };
    if parameter(query, "EIO") != Some("4") {
        return Outcome::Answer(Unfit::UnsupportedVersion.to_response());
    }
    let sid = parameter(query, "sid").map(str::to_owned);
    if is_polled {
        return polling(node, request, peer, sid).await;
    }
    // There is no upgrade from a session that is polled, and none was offered.
    if sid.is_some() {
        return Outcome::Answer(Unfit::UnknownSession.to_response());
    }
    upgrade(node, request, peer).await
}

async fn upgrade<B>(node: &Arc<Node>, request: &mut Request<B>, peer: IpAddr) -> Outcome {
    if request.method() != Method::GET {
        return Outcome::Answer(Unfit::BadMethod.to_response());
    }
    if !request.headers().contains_key(header::UPGRADE) {
        return Outcome::Answer(Unfit::BadRequest.to_response());
    }
    match handshake::check_socket_io(node, request, peer, (new_sid(), false)).await {
        Ok((response, granted)) => Outcome::Upgrade(response, Box::new(granted)),
        Err(refusal) => Outcome::Answer(refused(node, &refusal)),
    }
}

fn new_sid() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn refused(node: &Node, refusal: &Refusal) -> Response<Full<Bytes>> {
    node.metrics
        .handshake(Transport::SocketIo, refusal.result());
    refusal.to_response()
}

async fn polling(
    node: &Arc<Node>,
    request: &mut Request<Incoming>,
    peer: IpAddr,
    sid: Option<String>,
) -> Outcome {
    let cors = cors(request, &node.config.http.allowed_origins);
    let session = sid.as_deref().and_then(|sid| node.polls.find(sid));
    let response = match (request.method().clone(), sid, session) {
        (Method::OPTIONS, ..) => preflight(),
        (Method::GET, None, _) => match begin(node, request, peer).await {
            Ok(body) => text(body),
            Err(refusal) => refused(node, &refusal),
        },
        (_, Some(_), None) => Unfit::UnknownSession.to_response(),
        (Method::GET, Some(sid), Some(session)) => {
            return Outcome::Poll(Wait {
                sid,
                session,
                headers: lines(&cors),
            });
        }
        (Method::POST, Some(sid), Some(session)) => post(node, request, &sid, &session).await,
        _ => Unfit::BadMethod.to_response(),
    };
    Outcome::Answer(with(response, cors))
}

/// Begins a session; the connection behind it waits for its first packet on its own.
async fn begin<B>(
    node: &Arc<Node>,
    request: &mut Request<B>,
    peer: IpAddr,
) -> Result<String, Refusal> {
    let sid = new_sid();
    let given = (sid.clone(), true);
    let (_, granted) = handshake::check_socket_io(node, request, peer, given).await?;
    let opened = node.polls.open(sid);
    let (session, far) = opened.map_err(|error| {
        tracing::warn!(%error, "a session cannot be polled");
        Refusal::new(Code::Overloaded, "No more sessions can be polled")
    })?;
    let owner = Arc::clone(node);
    // Bounded by the time that a first packet may take; then the connection belongs to its shard.
    drop(tokio::spawn(async move {
        Box::pin(handshake::complete(&owner, far, Vec::new(), granted, None)).await;
    }));
    let open = session.poll().await;
    let open = open.map_err(|error| Refusal::new(Code::Overloaded, error.to_string()))?;
    Ok(open.body)
}

async fn post(
    node: &Node,
    request: &mut Request<Incoming>,
    sid: &str,
    session: &PollSession,
) -> Response<Full<Bytes>> {
    let bytes_max = node.config.limits.frame_bytes_max;
    let body = Limited::new(request.body_mut(), bytes_max).collect().await;
    let Ok(body) = body else {
        node.polls.forget(sid);
        let detail = "What is posted at once is too long";
        return Refusal::new(Code::PayloadTooLarge, detail).to_response();
    };
    let body = body.to_bytes();
    let posted = match std::str::from_utf8(&body) {
        Ok(body) => session.post(body).await.is_ok(),
        Err(_) => false,
    };
    if posted {
        return answer(StatusCode::OK, "text/html", "ok".to_owned());
    }
    node.polls.forget(sid);
    Unfit::BadRequest.to_response()
}

fn preflight() -> Response<Full<Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// A poll that waits, taken from hyper: it may take as long as the client's pings, and holds nothing but its socket.
pub(super) struct Wait {
    sid: String,
    session: Arc<PollSession>,
    /// Lines of the head that depend on the request.
    headers: String,
}

impl Wait {
    /// Answers when there is something to tell.
    pub(super) async fn answer(self, node: &Node, mut stream: TcpStream) {
        let answer = tokio::select! {
            answer = self.session.poll() => answer,
            // What it would have been told is for the next poll.
            () = gone(&stream) => return,
        };
        let is_last = answer.as_ref().map_or(true, |answer| answer.is_last);
        if is_last {
            node.polls.forget(&self.sid);
        }
        let (status, content_type, body) = match answer {
            Ok(answer) => ("200 OK", "text/plain; charset=UTF-8", answer.body),
            Err(_) => (
                "400 Bad Request",
                "application/json",
                Unfit::BadRequest.body(),
            ),
        };
        let response = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
             connection: close\r\n{}\r\n{body}",
            body.len(),
            self.headers
        );
        let written = async {
            stream.write_all(response.as_bytes()).await?;
            stream.shutdown().await
        };
        if !matches!(timeout(ANSWER_TIME_MAX, written).await, Ok(Ok(()))) {
            // What was in it is not told again here: the client comes back with its offset.
            tracing::debug!("nobody heard the answer to a poll");
        }
    }
}

/// Waits for the client to leave.
async fn gone(stream: &TcpStream) {
    let mut byte = [0];
    match stream.peek(&mut byte).await {
        Ok(0) | Err(_) => {}
        // It says more than it was asked for, and is there.
        Ok(_) => std::future::pending().await,
    }
}
