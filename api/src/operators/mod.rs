//! What operators do about people: admins over HTTP, and whoever is at a terminal (`api admin`).
//!
//! Whatever is done is written down by the transaction that does it ([`audit`](crate::audit)), and open sockets feel it
//! within a second: by the end of their sessions, or by a word to the gateways. Why somebody did not get an event is asked in `trace`.

pub mod acts;
mod routes;
mod trace;

#[cfg(test)]
mod tests;

use crate::app::feature::Feature;

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "operators",
        routes: routes::routes().merge(trace::routes()),
        statements: trace::STATEMENTS,
        ..Feature::default()
    }
}
