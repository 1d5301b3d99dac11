//! WebSockets (RFC 6455), server side, with permessage-deflate (RFC 7692).
//!
//! Why the codec is our own: docs/decisions/0003-own-frame-codec.md. What is compressed: 0005-permessage-deflate.md.

mod extension;
mod first_frame;
mod header;
mod inflate;
mod parser;
mod upgrade;
mod utf8;

pub(crate) use first_frame::{NoFirstFrame, first_text, refuse};
pub(crate) use inflate::Inflater;
use parser::Violation;
pub(crate) use parser::{Limits, Message, Parser};
pub(crate) use upgrade::{Protocol, accept, protocol};

#[cfg(test)]
mod tests;
