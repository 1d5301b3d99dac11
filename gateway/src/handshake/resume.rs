//! `?resume=`: base64url of `{channel: {epoch, offset}}`.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use shared::wire::Code;

use crate::{
    refusal::Refusal,
    session::{InvalidResume, Resume},
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

/// The first parameter of that name, as it stands in the URL. Ours need no escaping.
pub(super) fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(key, value)| (key == name && !value.is_empty()).then_some(value))
}
