//! Cookies come along with every request of a browser, whoever's page made it: so the page's origin is checked.

use hyper::{Request, header};
use shared::wire::Code;

use crate::refusal::Refusal;

/// The `Origin` must be on the list, letter by letter. Where the page is this very address's own, browsers name none with a
/// GET, and say so in a header that no page can write (Fetch Metadata, section 2.3). Any other request without one is no
/// browser's, and has no business with a cookie.
pub(super) fn check<B>(request: &Request<B>, allowed: &[String]) -> Result<(), Refusal> {
    let origin = request.headers().get(header::ORIGIN);
    let listed = |origin: &str| allowed.iter().any(|allowed| allowed == origin);
    let site = request.headers().get("sec-fetch-site");
    match origin.map(|value| value.to_str().unwrap_or_default()) {
        Some(origin) if listed(origin) => Ok(()),
        None if site.is_some_and(|site| site == "same-origin") => Ok(()),
        _ => {
            let detail = "Cookies are accepted from pages of known origins only";
            Err(Refusal::new(Code::OriginNotAllowed, detail))
        }
    }
}
