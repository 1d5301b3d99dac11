//! WebSockets (RFC 6455), server side.
//!
//! Why the codec is our own: docs/decisions/0003-own-frame-codec.md.

mod first_frame;
mod parser;
mod reader;
mod upgrade;
mod writer;

pub(crate) use first_frame::{NoFirstFrame, first_text, refuse};
use parser::Violation;
pub(crate) use parser::{Message, Parser};
pub(crate) use reader::{Scratch, read};
pub(crate) use upgrade::{Protocol, accept, protocol};
pub(crate) use writer::{Written, end, write};

#[cfg(test)]
mod tests;
