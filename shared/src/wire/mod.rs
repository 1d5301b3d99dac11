//! What travels between clients, gateways, Redis and `api`, in both directions.

mod channel;
mod close;
mod code;
mod command;
mod ephemeral;
mod event;
mod position;
mod problem;
pub mod said;
pub mod socketio;

pub use channel::{Channel, InvalidChannel};
pub use close::{CloseAdvice, CloseReason};
pub use code::Code;
pub use command::{Command, CommandReply, InvalidCommand, Reference, ack_frame, error_frame};
pub use ephemeral::{Announcement, Ephemeral};
pub use event::{Class, Event, EventBody, InvalidRecord, kind};
pub use position::{Epoch, InvalidEpoch, Offset, Position};
pub use problem::{FieldError, Problem};

#[cfg(test)]
mod tests;
