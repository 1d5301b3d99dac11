//! Long polling: a connection that lives until there is something to tell, and ends with telling it.
//!
//! Nothing is kept for a client between two polls. Where it stands it shows as a [`Cursor`], on whatever node.

use std::{collections::BTreeMap, fmt::Write as _};

use bytes::Bytes;
use shared::wire::{Channel, CloseAdvice, CloseReason, Code, Position, Problem};

use super::Cursor;
use crate::codec::native::{self, ChannelStart};

/// When to ask again, where nobody says.
const RETRY_AFTER_MS: u64 = 1000;

#[derive(Debug)]
pub(crate) struct Poll {
    cursor: Cursor,
    /// Of a client that showed no cursor: it wants to hear where it stands.
    first: bool,
    welcomed: bool,
    /// Lines of the head that depend on the request.
    headers: String,
}

impl Poll {
    pub(crate) fn new(first: bool, headers: String) -> Self {
        Self {
            cursor: Cursor::default(),
            first,
            welcomed: false,
            headers,
        }
    }

    /// Whether the client has to hear of it: it is new, or has lost something.
    pub(super) fn welcome(&mut self, starts: &BTreeMap<Channel, ChannelStart>) -> bool {
        for (channel, start) in starts {
            self.cursor.set(*channel, start.position);
        }
        self.welcomed = true;
        self.first || starts.values().any(|start| start.recovered == Some(false))
    }

    pub(super) fn moved(&mut self, channel: Channel, position: Position) {
        self.cursor.set(channel, position);
    }

    pub(super) fn left(&mut self, channel: Channel) {
        self.cursor.forget(channel);
    }

    /// The whole answer. An end that only says that this poll is over is not told, for the next one follows anyway.
    pub(super) fn answer(
        &self,
        mut events: Vec<Bytes>,
        reason: CloseReason,
        retry_after_ms: Option<u64>,
    ) -> Bytes {
        if !self.welcomed {
            return self.failure(reason, retry_after_ms);
        }
        if reason != CloseReason::Normal {
            let close = native::close(reason, retry_after_ms);
            events.push(Bytes::copy_from_slice(close.payload()));
        }
        let events = events.join(&b","[..]);
        let cursor = self.cursor.encode();
        let body = [
            br#"{"events":["#,
            &events[..],
            br#"],"cursor":""#,
            cursor.as_bytes(),
            br#""}"#,
        ];
        self.response("200 OK", "application/json", None, &body)
    }

    /// It could not even be opened: nothing was heard, nothing is lost.
    fn failure(&self, reason: CloseReason, retry_after_ms: Option<u64>) -> Bytes {
        let code = code_for(reason);
        let mut problem = Problem::new(code, code.title());
        problem.retry_after_ms = code
            .retryable()
            .then(|| retry_after_ms.unwrap_or(RETRY_AFTER_MS));
        let body = serde_json::to_vec(&problem).expect("a problem always serialises");
        let status = format!("{} {}", code.status(), code.name());
        let retry_after_ms = problem.retry_after_ms;
        self.response(&status, Problem::CONTENT_TYPE, retry_after_ms, &[&body])
    }

    fn response(
        &self,
        status: &str,
        content_type: &str,
        retry_after_ms: Option<u64>,
        body: &[&[u8]],
    ) -> Bytes {
        let length: usize = body.iter().map(|part| part.len()).sum();
        let mut head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\
             cache-control: no-store\r\nconnection: close\r\n{}",
            self.headers
        );
        if let Some(ms) = retry_after_ms {
            let seconds = ms.div_ceil(1000);
            write!(head, "retry-after: {seconds}\r\n").expect("a String takes any text");
        }
        head.push_str("\r\n");
        let mut response = Vec::with_capacity(head.len() + length);
        response.extend_from_slice(head.as_bytes());
        for part in body {
            response.extend_from_slice(part);
        }
        response.into()
    }
}

/// Of a problem that has its client do what the close code would have: come back, with another token, or not at all.
fn code_for(reason: CloseReason) -> Code {
    match reason {
        CloseReason::SessionRevoked => Code::SessionRevoked,
        CloseReason::Unauthenticated => Code::Unauthenticated,
        CloseReason::TokenExpired => Code::TokenExpired,
        CloseReason::SessionStateInvalid => Code::InvalidRequest,
        CloseReason::GoingAway | CloseReason::Draining => Code::Draining,
        _ if CloseAdvice::for_code(reason.code()) == Some(CloseAdvice::Stop) => Code::Forbidden,
        _ => Code::Overloaded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_before_its_welcome_says_why_and_whether_to_come_back() {
        for (reason, retry_after_ms, status, code, retry_after) in [
            (CloseReason::Forbidden, None, 403, "forbidden", None),
            (CloseReason::ReplacedByNewer, None, 403, "forbidden", None),
            (CloseReason::TokenExpired, None, 401, "token_expired", None),
            (
                CloseReason::SessionRevoked,
                None,
                401,
                "session_revoked",
                None,
            ),
            (CloseReason::GoingAway, Some(1500), 503, "draining", Some(2)),
            (CloseReason::PositionLost, None, 503, "overloaded", Some(1)),
        ] {
            let poll = Poll::new(true, String::new());
            let answer = poll.answer(Vec::new(), reason, retry_after_ms);
            let answer = std::str::from_utf8(&answer).unwrap();
            let start = format!("HTTP/1.1 {status} {code}\r\n");
            assert!(answer.starts_with(&start), "{reason:?}: {answer}");
            let told = answer.lines().find_map(|l| l.strip_prefix("retry-after: "));
            let told = told.map(|seconds| seconds.parse().unwrap());
            assert_eq!(told, retry_after, "{reason:?}");
        }
    }

    #[test]
    fn whoever_is_to_stop_is_not_asked_to_come_back() {
        for reason in CloseReason::ALL {
            let advice = CloseAdvice::for_code(reason.code());
            let code = code_for(reason);
            let comes_back = matches!(advice, None | Some(CloseAdvice::Resume));
            assert_eq!(code.retryable(), comes_back, "{reason:?}: {}", code.name());
        }
    }
}
