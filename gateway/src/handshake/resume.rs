//! Where to resume: `?resume=`, base64url of `{channel: {epoch, offset}}`; for streams of events also the cursor that they
//! gave.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hyper::Request;
use shared::wire::Code;

use crate::{
    refusal::Refusal,
    session::{InvalidResume, Resume},
    transport::Cursor,
};

/// What the query says about where to resume; nothing, when it says nothing.
pub(super) fn from_query(query: &str) -> Result<Resume, Refusal> {
    let Some(encoded) = parameter(query, "resume") else {
        return Ok(Resume::default());
    };
    // With padding or without, and with its characters escaped or not, as the client's library happens to do it.
    let encoded = encoded.replace("%3D", "").replace("%3d", "");
    let json = BASE64_URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('='));
    let resume = json
        .map_err(|_| InvalidResume)
        .and_then(|json| Resume::parse(&json));
    resume.map_err(|error| Refusal::new(Code::InvalidRequest, format!("resume: {error}")))
}

/// Where a client of events stands. The header comes from an `EventSource` that comes back by itself, to the address that
/// it was given at first: so it is newer than the query.
pub(super) fn from_events<B>(request: &Request<B>) -> Result<Resume, Refusal> {
    let query = request.uri().query().unwrap_or_default();
    let Some(cursor) = cursor(request) else {
        return from_query(query);
    };
    let cursor = Cursor::decode(cursor);
    let cursor = cursor.map_err(|error| Refusal::new(Code::InvalidRequest, error.to_string()))?;
    Ok(Resume {
        positions: cursor.into_positions(),
        unknown: Vec::new(),
    })
}

/// The cursor that a request shows.
pub(crate) fn cursor<B>(request: &Request<B>) -> Option<&str> {
    let query = request.uri().query().unwrap_or_default();
    let header = request.headers().get("last-event-id");
    header
        .map(|value| value.to_str().unwrap_or("?"))
        .filter(|id| !id.is_empty())
        .or_else(|| parameter(query, "cursor"))
        .or_else(|| parameter(query, "last_event_id"))
}

/// The first parameter of that name, as it stands in the URL. Ours need no escaping.
pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(key, value)| (key == name && !value.is_empty()).then_some(value))
}
