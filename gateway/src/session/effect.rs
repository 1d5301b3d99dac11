//! What a session wants done. It does nothing itself.

use std::sync::Arc;

use shared::wire::{Channel, CloseReason, Command, Offset, Position};

use crate::codec::{Encoded, Frame};

/// Whether an event is new, or what a client missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// As it happened.
    Live,
    /// From the history.
    Resume,
}

/// One thing to do, in the order given.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Queue this frame; it is never dropped.
    Send(Frame),
    /// Ask the client for a sign of life.
    Ping,
    /// Queue this event, by its class.
    Deliver(Arc<Encoded>, Path),
    /// Hear this channel; answered by `on_joined`.
    Join {
        channel: Channel,
        since: Option<Position>,
    },
    /// Hear this channel no more.
    Leave(Channel),
    /// Read which groups it is in, as of this position of its person's channel or later; answered by `on_memberships`.
    ReadMemberships { since: Position },
    /// Read these events; answered by `on_history`.
    Read {
        channel: Channel,
        after: Position,
        through: Offset,
    },
    /// Do this command; answered by `on_answer`. One at a time, so that a client's commands keep their order.
    Run(Command),
    /// `welcome` is on its way: the client may speak now.
    Listen,
    /// Close, after what was sent before. Nothing follows.
    Close(CloseReason, Option<u64>),
}
