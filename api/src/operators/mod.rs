//! What operators do about people: admins over HTTP, and whoever is at a terminal (`api admin`).
//!
//! Whatever is done is written down by the transaction that does it ([`audit`](crate::audit)), and open sockets feel it
//! within a second: by the end of their sessions, or by a word to the gateways.

pub mod acts;
mod routes;

#[cfg(test)]
mod tests;

use crate::app::feature::Feature;

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "operators",
        routes: routes::routes(),
        ..Feature::default()
    }
}
