//! A handshake that fails, in both spellings.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode, header};
use shared::{
    credentials::TokenError,
    wire::{CloseReason, Code, Problem},
};

use crate::{
    codec::{Frame, native},
    metrics::HandshakeResult,
};

/// Why somebody is not let in.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: Code,
    problem: Box<Problem>,
}

/// When to try again at a node that has a passing difficulty, in seconds.
const RETRY_AFTER_SECONDS: u64 = 1;
/// Over how long those come back who were refused together, in seconds.
const COME_BACK_WITHIN_SECONDS: u64 = 5;

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        let code = match error {
            TokenError::Expired => Code::TokenExpired,
            TokenError::Invalid => Code::Unauthenticated,
        };
        Self::new(code, error.to_string())
    }
}

impl Refusal {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let mut problem = Problem::new(code, detail);
        if code.retryable() {
            problem.retry_after_ms = Some(RETRY_AFTER_SECONDS * 1000);
        }
        Self {
            code,
            problem: Box::new(problem),
        }
    }

    /// It took too long, for a reason that passes: nothing is wrong with what was asked.
    pub(crate) fn too_late(code: Code) -> Self {
        Self::new(code, "The handshake took too long").come_back_after(Duration::ZERO)
    }

    /// When to try again: some seconds later, by chance, so that those who are refused together do not come back together.
    /// Rounded up to whole seconds, and never at once.
    pub(crate) fn come_back_after(mut self, wait: Duration) -> Self {
        let wait = wait + Duration::from_secs(rand::random_range(0..COME_BACK_WITHIN_SECONDS));
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.problem.retry_after_ms = Some(seconds.max(RETRY_AFTER_SECONDS) * 1000);
        self
    }

    /// In the answer to a command.
    pub(crate) fn into_problem(self) -> Problem {
        *self.problem
    }

    /// Whether other credentials would be another matter.
    pub(crate) fn is_about_who(&self) -> bool {
        let result = self.result();
        matches!(
            result,
            HandshakeResult::Unauthenticated | HandshakeResult::Origin
        )
    }

    /// As a metric's label.
    pub(crate) fn result(&self) -> HandshakeResult {
        match self.code {
            Code::Unauthenticated | Code::TokenExpired | Code::SessionRevoked => {
                HandshakeResult::Unauthenticated
            }
            Code::OriginNotAllowed => HandshakeResult::Origin,
            Code::Forbidden | Code::AccountSuspended => HandshakeResult::Forbidden,
            Code::Overloaded | Code::RateLimited => HandshakeResult::Overload,
            Code::Draining => HandshakeResult::Draining,
            Code::Timeout => HandshakeResult::Timeout,
            Code::InvalidRequest | Code::InvalidJson => HandshakeResult::Malformed,
            _ => HandshakeResult::Error,
        }
    }

    /// The problem document.
    pub(crate) fn body(&self) -> String {
        serde_json::to_string(&self.problem).expect("a problem always serialises")
    }

    /// Before the upgrade.
    pub(crate) fn to_response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(self.body()));
        *response.status_mut() =
            StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        let content_type = header::HeaderValue::from_static(Problem::CONTENT_TYPE);
        headers.insert(header::CONTENT_TYPE, content_type);
        if let Some(retry_after_ms) = self.problem.retry_after_ms {
            headers.insert(header::RETRY_AFTER, (retry_after_ms / 1000).into());
        }
        response
    }

    /// After the upgrade: what was wrong, then the close that says what to do about it.
    pub(crate) fn to_frames(&self) -> [Frame; 2] {
        let close = Frame::close(self.close_reason(), self.problem.retry_after_ms);
        [native::error(None, &self.problem), close]
    }

    fn close_reason(&self) -> CloseReason {
        match self.code {
            Code::TokenExpired => CloseReason::TokenExpired,
            Code::SessionRevoked => CloseReason::SessionRevoked,
            Code::Forbidden | Code::AccountSuspended | Code::OriginNotAllowed => {
                CloseReason::Forbidden
            }
            Code::InvalidRequest => CloseReason::SessionStateInvalid,
            code if code.retryable() => CloseReason::Overloaded,
            _ => CloseReason::Unauthenticated,
        }
    }
}
