//! Keys of service accounts, as admins make, list, rotate and revoke them: over HTTP, or from a terminal (`api admin`).
//!
//! Whether a key holds, and what a scope means, is said in [`app::service_keys`](crate::app::service_keys). A secret is
//! answered once, when it is made; nothing that could bring it back is stored, the stored answers of `Idempotency-Key`
//! included.

pub mod acts;
mod queries;
mod routes;

#[cfg(test)]
mod tests;

use crate::app::feature::Feature;

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "service_keys",
        routes: routes::routes(),
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
