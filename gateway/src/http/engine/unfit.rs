//! What is none of the protocol's requests.

use hyper::{
    Response, StatusCode,
    header::{self, HeaderValue},
};
use serde_json::json;
use shared::wire::Code;

use super::Answer;
use crate::{body::Unread, refusal::Refusal};

/// Why a request is none of the protocol; numbers and texts are the protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
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

    pub(super) fn body(self) -> String {
        let (code, message) = self.code();
        json!({ "code": code, "message": message }).to_string()
    }

    pub(super) fn to_response(self) -> Answer {
        answer(StatusCode::BAD_REQUEST, "application/json", self.body())
    }
}

/// There is no session of that name.
pub(crate) fn unknown() -> Answer {
    Unfit::UnknownSession.to_response()
}

/// What was posted could not be had.
pub(crate) fn unread(why: Unread) -> Answer {
    match why {
        Unread::TooMany => {
            let detail = "Too much is being posted to this node";
            Refusal::new(Code::Overloaded, detail).to_response()
        }
        Unread::TooLong => {
            let detail = "What is posted at once is too long";
            Refusal::new(Code::PayloadTooLarge, detail).to_response()
        }
        Unread::Broken => Unfit::BadRequest.to_response(),
    }
}

/// A whole answer.
pub(super) fn answer(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
