//! `GET /bootstrap`: the first screen in one call, and where to stream from.
//!
//! Everything is read at one moment, the ends of the caller's channels too: the answer is the state at exactly those
//! positions. A client gives them as `resume` on its first connect, and hears what was committed after it, whenever it
//! connects. What it then does with each event is in docs/protocol.md ("State and stream"); the module `reference`
//! of the tests is the same in Rust, and holds every type of event against the state as it is fetched anew.
//!
//! However much a person has, the answer is as large as its pages: each list has a `next_cursor` for its own route.

#[cfg(test)]
pub(crate) mod reference;
mod routes;
mod screen;
#[cfg(test)]
mod tests;

use crate::app::feature::Feature;

/// The feature, for registration.
pub fn feature() -> Feature {
    Feature {
        name: "bootstrap",
        routes: routes::routes(),
        ..Feature::default()
    }
}
