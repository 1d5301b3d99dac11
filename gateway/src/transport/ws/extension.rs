//! Agreeing on permessage-deflate (RFC 7692 §7.1).
//!
//! The answer always says that no message refers to another, in neither direction: so a compressed frame is the same for
//! everybody, and no connection keeps a window.

use hyper::{
    HeaderMap,
    header::{self, HeaderValue},
};

use crate::codec::Window;

/// Finds the first offer that we can take; the client's window, and what to answer.
pub(super) fn agree(headers: &HeaderMap) -> Option<(Window, HeaderValue)> {
    if cannot_forget(headers) {
        return None;
    }
    let values = headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS);
    let mut offers = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let offer = offers.find_map(Offer::parse)?;
    let mut answer =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover".to_owned();
    if let Some(window) = offer.server_window {
        answer.push_str("; server_max_window_bits=");
        answer.push_str(&window.bits().to_string());
    }
    let answer = HeaderValue::try_from(answer).ok()?;
    Some((offer.server_window.unwrap_or(Window::WHOLE), answer))
}

/// Safari 15.0 to 15.3 agrees to `client_no_context_takeover` and refers to earlier messages all the same.
fn cannot_forget(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    let version = agent.and_then(|agent| agent.split_once(" Version/15."));
    version.is_some_and(|(_, rest)| {
        rest.starts_with(['0', '1', '2', '3']) && rest.contains(" Safari/")
    })
}

/// What a client offers, and asks for.
#[derive(Debug, Default)]
struct Offer {
    server_window: Option<Window>,
    parameters: [bool; PARAMETERS],
}

const PARAMETERS: usize = 4;

impl Offer {
    /// `None` when it is another extension, or has a parameter that must not be there: then the next one counts.
    fn parse(offer: &str) -> Option<Self> {
        let mut parts = offer.split(';').map(str::trim);
        if parts.next() != Some("permessage-deflate") {
            return None;
        }
        let mut parsed = Self::default();
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start()))),
                None => (part, None),
            };
            parsed.read(name, value)?;
        }
        Some(parsed)
    }

    fn read(&mut self, name: &str, value: Option<&str>) -> Option<()> {
        let parameter = match (name, value) {
            ("server_no_context_takeover", None) => 0,
            ("client_no_context_takeover", None) => 1,
            ("server_max_window_bits", Some(bits)) => {
                self.server_window = Some(window(bits)?);
                2
            }
            // What it restricts itself to is fine: we inflate with the largest window.
            ("client_max_window_bits", bits) => {
                bits.map_or(Some(Window::WHOLE), window)?;
                3
            }
            _ => return None,
        };
        let seen = std::mem::replace(&mut self.parameters[parameter], true);
        (!seen).then_some(())
    }
}

fn unquoted(value: &str) -> &str {
    let quoted = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    quoted.unwrap_or(value)
}

/// Digits without leading zeros.
fn window(bits: &str) -> Option<Window> {
    let is_plain = bits.bytes().all(|byte| byte.is_ascii_digit()) && !bits.starts_with('0');
    bits.parse().ok().filter(|_| is_plain).and_then(Window::new)
}
