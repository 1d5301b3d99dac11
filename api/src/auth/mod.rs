//! Accounts, log-in, and the sessions that come of it.
//!
//! Invariants: passwords, cookies' secrets and refresh tokens are stored hashed only. A session ends once and for good;
//! its end is a durable event, so that every gateway closes its sockets. A log-in that fails says nothing about which half
//! was wrong, neither in words nor in time.

mod account;
mod internal;
pub mod moderation;
#[cfg(test)]
mod moderation_tests;
mod passwords;
mod queries;
mod routes;
mod seed;
mod sessions;
#[cfg(test)]
mod tests;
mod throttle;

use axum::{Router, routing};

use shared::wire::Code;

pub use account::AccountView;
pub use queries::find_account;
#[cfg(test)]
pub(crate) use seed::create_user;
pub use seed::{open_sessions, seed};

use crate::app::{
    feature::Feature,
    openapi::{Routes, delete, get, post},
};

/// What `auth` registers.
pub fn feature() -> Feature {
    Feature {
        name: "auth",
        routes: Routes::new()
            .route(
                "/auth/register",
                post(routes::register).refuses(&[
                    Code::UsernameTaken,
                    Code::EmailTaken,
                    Code::Overloaded,
                ]),
            )
            .route(
                "/auth/login",
                post(routes::log_in).refuses(&[
                    Code::InvalidCredentials,
                    Code::AccountSuspended,
                    Code::Overloaded,
                ]),
            )
            .route("/auth/logout", post(routes::log_out))
            .route(
                "/auth/refresh",
                post(routes::refresh).refuses(&[
                    Code::Unauthenticated,
                    Code::SessionRevoked,
                    Code::AccountSuspended,
                ]),
            )
            .route("/auth/me", get(routes::find_me))
            .route(
                "/auth/password",
                post(routes::change_password)
                    .refuses(&[Code::InvalidCredentials, Code::Overloaded]),
            )
            .route(
                "/auth/sessions",
                get(routes::list_sessions).delete(routes::revoke_all_sessions),
            )
            .route("/auth/sessions/{id}", delete(routes::revoke_session)),
        internal: Router::new().route("/sessions/verify", routing::post(internal::verify_session)),
        events: &[sessions::SESSION_REVOKED],
        statements: queries::STATEMENTS,
        housekeeping: queries::HOUSEKEEPING,
        ..Feature::default()
    }
}
