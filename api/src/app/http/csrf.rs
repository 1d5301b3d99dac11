//! A cookie travels with requests that other sites' pages make; those must not change anything here.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use shared::{
    credentials::{SESSION_COOKIE, cookie_value},
    wire::Code,
};

use crate::app::{App, error::Error};

/// Refuses unsafe requests with a session cookie that a browser sent for another site's page. A request with a bearer
/// token was made by somebody who knows it, so it passes.
pub(super) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let at_risk = !request.method().is_safe()
        && !headers.contains_key(header::AUTHORIZATION)
        && has_session_cookie(headers);
    if at_risk && !is_same_site(headers, &app.settings().http.allowed_origins) {
        return Error::new(Code::CsrfRejected, "the request came from another site")
            .into_response();
    }
    next.run(request).await
}

fn has_session_cookie(headers: &HeaderMap) -> bool {
    let mut cookies = headers.get_all(header::COOKIE).iter();
    cookies.any(|value| {
        let value = value.to_str().unwrap_or_default();
        cookie_value(value, SESSION_COOKIE).is_some()
    })
}

/// Browsers say where a request comes from in `Sec-Fetch-Site`, and in `Origin` for every unsafe method; a request
/// without either was not made by a browser, or by one so old that it is refused.
fn is_same_site(headers: &HeaderMap, allowed_origins: &[String]) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(origin) = text(header::ORIGIN) {
        let same_host = origin
            .split_once("://")
            .is_some_and(|(_, host)| Some(host) == text(header::HOST));
        return same_host || allowed_origins.iter().any(|allowed| allowed == origin);
    }
    text(header::HeaderName::from_static("sec-fetch-site")) == Some("same-origin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_and_allowed_pages_pass() {
        let allowed = ["https://app.example.com".to_owned()];
        for (headers, passes) in [
            (vec![("origin", "https://api.example.com")], true),
            (vec![("origin", "https://app.example.com")], true),
            (vec![("origin", "https://evil.example.com")], false),
            (vec![("origin", "https://api.example.com.evil.com")], false),
            (vec![("origin", "null")], false),
            (vec![("sec-fetch-site", "same-origin")], true),
            (vec![("sec-fetch-site", "same-site")], false),
            (vec![("sec-fetch-site", "cross-site")], false),
            (
                vec![
                    ("origin", "https://evil.example.com"),
                    ("sec-fetch-site", "same-origin"),
                ],
                false,
            ),
            (vec![], false),
        ] {
            let mut map = HeaderMap::new();
            map.insert(header::HOST, "api.example.com".parse().unwrap());
            for (name, value) in &headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(is_same_site(&map, &allowed), passes, "{headers:?}");
        }
    }
}
