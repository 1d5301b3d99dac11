//! What a session wants done. It does nothing itself.

use std::{collections::BTreeMap, sync::Arc};

use shared::{
    ids::PostId,
    wire::{Channel, CloseReason, Command, Offset, Position},
};

use super::{CommandName, CommandResult};
use crate::codec::{Encoded, Frame, native::ChannelStart};

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
    /// Queue `welcome`, which says where the client's streams start; it is never dropped.
    Welcome(Frame, BTreeMap<Channel, ChannelStart>),
    /// Queue this frame, which says that the client's stream of this channel goes on behind this position.
    Moved(Frame, Channel, Position),
    /// Nothing was sent for long: give a sign of life, and say which tops have moved.
    Heartbeat(BTreeMap<Channel, Offset>),
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
    /// Ask whether its log-in still stands; answered by `on_standing`.
    Verify,
    /// Ask whether it may stay in these rooms, and ask again for so long; answered by `on_rooms_checked`. What was asked before
    /// is not answered any more.
    CheckRooms {
        posts: Vec<PostId>,
        patience_ms: u64,
    },
    /// Do this command; answered by `on_answer`. One at a time, so that a client's commands keep their order.
    Run(Command),
    /// The client has everything of this channel up to here; so many events more than it had said before.
    Acknowledged {
        channel: Channel,
        through: Offset,
        count: u64,
    },
    /// Count a command that was answered here.
    Did(CommandName, CommandResult),
    /// `welcome` is on its way: the client may speak now.
    Listen,
    /// Close, after what was sent before. Nothing follows.
    Close(CloseReason, Option<u64>),
}
