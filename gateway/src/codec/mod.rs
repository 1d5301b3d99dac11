//! What goes out, as bytes. Pure: no socket, no clock.
//!
//! An event becomes a complete frame, header included, once for the whole node: frames of a server are not masked, so the
//! same bytes serve every connection (docs/decisions/0003-own-frame-codec.md).

mod deflate;
mod encoded;
mod frame;
mod lines;
pub(crate) mod native;
pub(crate) mod socketio;

pub(crate) use deflate::{Deflater, Window};
pub(crate) use encoded::{Control, Encoded};
pub(crate) use frame::Frame;
pub(crate) use lines::{Lead, OBJECTS_MAX, join, together};

#[cfg(test)]
mod tests;
