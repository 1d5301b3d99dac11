//! The session cookie on its way to the browser.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use shared::credentials::{SESSION_COOKIE, SessionCookie};

use crate::app::{App, error::Error};

/// Gives the browser a session: out of reach of scripts, not sent along with other sites' requests.
pub fn set_session_cookie(app: &App, cookie: &SessionCookie) -> Result<HeaderMap, Error> {
    header_with(
        app,
        &cookie.to_value(),
        app.settings().auth.session_lifetime,
    )
}

/// Takes it away again.
pub fn clear_session_cookie(app: &App) -> Result<HeaderMap, Error> {
    header_with(app, "", Duration::ZERO)
}

fn header_with(app: &App, value: &str, lifetime: Duration) -> Result<HeaderMap, Error> {
    let secure = if app.settings().auth.secure_cookies {
        "; Secure"
    } else {
        ""
    };
    let seconds = lifetime.as_secs();
    let cookie = format!(
        "{SESSION_COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    );
    let mut value = HeaderValue::from_str(&cookie).map_err(Error::internal)?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(header::SET_COOKIE, value)]))
}
