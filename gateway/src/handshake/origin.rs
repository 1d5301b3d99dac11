//! Cookies come along with every request of a browser, whoever's page made it: so the page's origin is checked.

use hyper::{Request, header};
use shared::wire::Code;

use crate::refusal::Refusal;

/// The `Origin` must be on the list, letter by letter. A request without one is no browser's, and has no business with a
/// cookie.
pub(super) fn check<B>(request: &Request<B>, allowed: &[String]) -> Result<(), Refusal> {
    let origin = request.headers().get(header::ORIGIN);
    let listed = |origin: &str| allowed.iter().any(|allowed| allowed == origin);
    match origin.and_then(|value| value.to_str().ok()) {
        Some(origin) if listed(origin) => Ok(()),
        _ => {
            let detail = "Cookies are accepted from pages of known origins only";
            Err(Refusal::new(Code::OriginNotAllowed, detail))
        }
    }
}
