//! Credentials that can be verified without a database.
//!
//! `api` mints tokens, gateways verify them. The browser's `session` cookie is the exception: it is a random secret whose
//! hash is in the database, so a gateway asks `api` about it.

mod cookie;
mod revocations;
mod secret;
mod token;

pub use cookie::{SESSION_COOKIE, SessionCookie, cookie_value};
pub use revocations::{Revocations, Standing};
pub use secret::{InvalidSecret, Secret};
pub use token::{Identity, Purpose, Role, TokenError, Tokens};

#[cfg(test)]
mod tests;
