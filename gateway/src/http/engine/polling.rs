//! Requests of a session that is polled, and the one that begins it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
};
use shared::wire::Code;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use super::{
    Answer, Host, Outcome,
    unfit::{Unfit, answer, unread},
};
use crate::{
    body,
    codec::socketio::Opening,
    http::events::{lines, with},
    polling::{PollSession, Polls},
    refusal::Refusal,
};

/// A client that takes so long for an answer is not there.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
const TEXT: &str = "text/plain; charset=UTF-8";

pub(super) async fn respond<H: Host>(
    host: &Arc<H>,
    request: &mut Request<Incoming>,
    peer: IpAddr,
    sid: Option<String>,
) -> Outcome<H::Granted> {
    host.asked();
    let cors = host.cors(request);
    let session = sid.as_deref().and_then(|sid| host.polls().find(sid));
    let response = match (request.method().clone(), sid, session) {
        (Method::OPTIONS, ..) => preflight(),
        (Method::GET, None, _) => match begin(host, request, peer).await {
            Ok(body) => answer(StatusCode::OK, TEXT, body),
            Err(response) => response,
        },
        (Method::GET | Method::POST, Some(sid), None) => {
            match host.hand_on(request, peer, &sid).await {
                Ok(relayed) => return Outcome::Relay(relayed),
                Err(response) => response,
            }
        }
        (_, Some(_), None) => Unfit::UnknownSession.to_response(),
        (Method::GET, Some(sid), Some(session)) => {
            return Outcome::Poll(Wait {
                sid,
                session,
                headers: lines(&cors),
            });
        }
        (Method::POST, Some(sid), Some(session)) => {
            let bytes_max = host.message_bytes_max();
            post(host.polls(), request, bytes_max, (&sid, &session)).await
        }
        _ => Unfit::BadMethod.to_response(),
    };
    Outcome::Answer(with(response, cors))
}

/// Begins a session; the connection behind it waits for its first packet on its own.
async fn begin<H: Host>(
    host: &Arc<H>,
    request: &mut Request<Incoming>,
    peer: IpAddr,
) -> Result<String, Answer> {
    let sid = host.new_sid();
    let opening = Opening {
        sid: sid.clone(),
        is_polled: true,
    };
    let (_, granted) = host.admit(request, peer, opening).await?;
    let overloaded = |detail: &str| Refusal::new(Code::Overloaded, detail).to_response();
    let opened = host.polls().open(sid.clone());
    let (session, far) = opened.map_err(|error| {
        tracing::warn!(%error, "a session cannot be polled");
        overloaded("No more sessions can be polled")
    })?;
    // The host bounds it: by the time that a first packet may take, then by the connection's pings.
    drop(tokio::spawn(Box::pin(Arc::clone(host).serve(far, granted))));
    let open = session.poll().await;
    let open = open.map_err(|error| overloaded(&error.to_string()))?;
    if open.is_last {
        host.polls().forget(&sid);
        return Err(overloaded(
            "Too many connections have not said who they are",
        ));
    }
    Ok(open.body)
}

async fn post(
    polls: &Polls,
    request: &mut Request<Incoming>,
    bytes_max: usize,
    (sid, session): (&str, &PollSession),
) -> Answer {
    let posted = take_in(session, request, bytes_max).await;
    if session.is_over() {
        polls.forget(sid);
    }
    match posted {
        Ok(()) => answer(StatusCode::OK, "text/html", "ok".to_owned()),
        Err(response) => response,
    }
}

async fn take_in(
    session: &PollSession,
    request: &mut Request<Incoming>,
    bytes_max: usize,
) -> Result<(), Answer> {
    let bad = || Unfit::BadRequest.to_response();
    let posting = session.posting().map_err(|_| bad())?;
    let body = body::read(request, bytes_max).await.map_err(unread)?;
    let body = std::str::from_utf8(&body).map_err(|_| bad())?;
    posting.finish(body).await.map_err(|_| bad())
}

fn preflight() -> Answer {
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
pub(crate) struct Wait {
    sid: String,
    session: Arc<PollSession>,
    /// Lines of the head that depend on the request.
    headers: String,
}

impl Wait {
    /// Answers when there is something to tell.
    pub(crate) async fn run(self, polls: &Polls, mut stream: TcpStream) {
        let answer = tokio::select! {
            answer = self.session.poll() => answer,
            // Its clients do not poll again after that: they begin anew, and come back with their offset.
            () = gone(&stream) => return self.abandon(polls),
        };
        let is_last = match &answer {
            Ok(answer) => answer.is_last,
            Err(refused) => refused.is_last(),
        };
        if is_last {
            polls.forget(&self.sid);
        }
        let (status, content_type, body) = match answer {
            Ok(answer) => ("200 OK", TEXT, answer.body),
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
            self.abandon(polls);
        }
    }

    /// Nobody is there to hear it.
    fn abandon(&self, polls: &Polls) {
        if self.session.abandon() {
            polls.forget(&self.sid);
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
