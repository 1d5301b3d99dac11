//! Accounts, log-in, and the sessions that come of it.
//!
//! Invariants: passwords, cookies' secrets and refresh tokens are stored hashed only. A session ends once and for good;
//! its end is a durable event, so that every gateway closes its sockets. A log-in that fails says nothing about which half
//! was wrong, neither in words nor in time.

mod account;
mod internal;
mod passwords;
mod queries;
mod routes;
mod seed;
mod sessions;
#[cfg(test)]
mod tests;
mod throttle;

use axum::{
    Router,
    routing::{delete, get, post},
};

pub use account::AccountView;
#[cfg(test)]
pub(crate) use seed::create_user;
pub use seed::seed;

use crate::app::feature::Feature;

/// What `auth` registers.
pub fn feature() -> Feature {
    Feature {
        name: "auth",
        routes: Router::new()
            .route("/auth/register", post(routes::register))
            .route("/auth/login", post(routes::log_in))
            .route("/auth/logout", post(routes::log_out))
            .route("/auth/refresh", post(routes::refresh))
            .route("/auth/me", get(routes::find_me))
            .route("/auth/password", post(routes::change_password))
            .route(
                "/auth/sessions",
                get(routes::list_sessions).delete(routes::revoke_all_sessions),
            )
            .route("/auth/sessions/{id}", delete(routes::revoke_session)),
        internal: Router::new().route("/sessions/verify", post(internal::verify_session)),
        statements: queries::STATEMENTS,
        housekeeping: queries::HOUSEKEEPING,
        ..Feature::default()
    }
}
