//! The brain of a connection: what came in, and what is to be done about it.
//!
//! Pure: no socket, no task, no clock of its own. Inputs are the `on_*` methods, outputs are [`Effect`]s, so that tests are
//! scripts of both. [`Opening`] becomes [`Active`] by value: a welcome cannot be sent twice, nor forgotten.

mod acks;
mod active;
mod catch_up;
mod counted;
mod effect;
mod groups;
mod heartbeat;
mod limits;
mod live_groups;
mod live_rooms;
mod opening;
mod post_room;
mod resume;
mod rooms;
mod stream;
mod turns;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;
use shared::{
    bus::{HistoryError, JoinError, Start},
    credentials::{Role, Standing},
    ids::{SessionId, UserId},
    membership::{Memberships, MembershipsUnknown},
    wire::{Channel, CloseReason, Position, Problem, Reference},
};

pub(crate) use counted::{CommandName, CommandResult};
pub(crate) use effect::{Effect, Path};
pub(crate) use heartbeat::Intervals;
pub(crate) use limits::CommandLimits;
pub(crate) use opening::Introduction;
pub(crate) use post_room::{Entrance, Hidden, LeftBecause, RoomsSeen, RoomsUnknown};
pub(crate) use resume::{CHANNELS_MAX, InvalidResume, Resume};
pub(crate) use stream::Room;

use self::{active::Active, opening::Opening};
use crate::codec::Encoded;

/// The time, as a session needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Milliseconds on a clock that never jumps, from any start: for intervals.
    pub(crate) elapsed_ms: u64,
    /// For the ends of tokens.
    pub(crate) unix_seconds: i64,
}

/// Whose connection it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) user_id: UserId,
    pub(crate) session_id: SessionId,
    pub(crate) role: Role,
    /// When the connection ends unless it is refreshed, in Unix seconds.
    pub(crate) expires_at: i64,
}

/// The same for all connections of a node.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) node_name: String,
    pub(crate) intervals: Intervals,
    pub(crate) commands: CommandLimits,
    /// Bound of what waits in the queue.
    pub(crate) queue: Room,
    /// Bound of what is held while a client catches up, for all its channels together.
    pub(crate) held: Room,
    /// Bound of what was missed and waits to be sent, for all its channels together, in bytes.
    pub(crate) replay_bytes_max: usize,
    /// The longest wait for the channels before `welcome`, in milliseconds.
    pub(crate) opening_ms_max: u64,
}

/// What came of a command.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Done.
    Data(Box<RawValue>),
    /// Who is online: told as an event too, also to whoever gave no reference.
    Presence(Box<RawValue>),
    /// Refused.
    Problem(Problem),
    /// The connection may stay until then, in Unix seconds, in this role.
    Refreshed { expires_at: i64, role: Role },
    /// A room may be entered.
    Entered(Box<Entrance>),
}

/// What a client should wait before it comes back to a node that has a passing difficulty.
const RETRY_AFTER_MS: u64 = 1000;

/// A connection's state.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are active, and what lies in the connection needs no memory of its own"
)]
#[derive(Debug)]
pub(crate) enum Session {
    /// Joining its channels; `welcome` has not been sent.
    Opening(Box<Opening>),
    /// After `welcome`.
    Active(Active),
    /// Closing, or gone: nothing has an effect any more.
    Over,
}

impl Session {
    /// Asks for the channels.
    pub(crate) fn open(
        introduction: Introduction,
        settings: Arc<Settings>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Self {
        Self::Opening(Box::new(Opening::new(introduction, settings, now, effects)))
    }

    pub(crate) fn on_joined(
        &mut self,
        channel: Channel,
        outcome: Result<Start, JoinError>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(opening) = self.take_opening() {
            *self = opening.on_joined(channel, outcome, now, effects);
        } else if let Self::Active(active) = self {
            active.on_joined(channel, outcome, effects);
        }
    }

    /// What an [`Effect::ReadMemberships`] asked for.
    pub(crate) fn on_memberships(
        &mut self,
        outcome: Result<Memberships, MembershipsUnknown>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(opening) = self.take_opening() {
            *self = opening.on_memberships(outcome, now, effects);
        } else if let Self::Active(active) = self {
            active.on_memberships(outcome, effects);
        }
    }

    /// What an [`Effect::Verify`] asked for.
    pub(crate) fn on_standing(&mut self, standing: Standing, now: Now, effects: &mut Vec<Effect>) {
        if let Some(opening) = self.take_opening() {
            *self = opening.on_standing(standing, now, effects);
        } else if let Self::Active(_) = self {
            Active::on_standing(standing, effects);
        }
    }

    /// The events that an [`Effect::Read`] asked for.
    pub(crate) fn on_history(
        &mut self,
        channel: Channel,
        outcome: Result<Vec<Arc<Encoded>>, HistoryError>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(opening) = self.take_opening() {
            *self = opening.on_history(channel, outcome, now, effects);
        } else if let Self::Active(active) = self {
            active.on_history(channel, outcome, effects);
        }
    }

    /// What is opening, to become what an answer makes of it.
    fn take_opening(&mut self) -> Option<Box<Opening>> {
        match self {
            Self::Opening(_) => match std::mem::replace(self, Self::Over) {
                Self::Opening(opening) => Some(opening),
                Self::Active(_) | Self::Over => None,
            },
            Self::Active(_) | Self::Over => None,
        }
    }

    /// Whether an event of one of its channels goes out as it is, and nothing else comes of it. That is the answer for nearly
    /// all of them; for the others, and only for those, [`Session::on_event`] is asked.
    pub(crate) fn lets_through(&mut self, encoded: &Encoded) -> bool {
        match self {
            Self::Active(active) => active.lets_through(&encoded.event),
            Self::Opening(_) | Self::Over => false,
        }
    }

    /// An event of one of its channels.
    pub(crate) fn on_event(&mut self, encoded: &Arc<Encoded>, effects: &mut Vec<Effect>) {
        match self {
            Self::Opening(opening) => opening.on_event(encoded, effects),
            Self::Active(active) => active.on_event(encoded, effects),
            Self::Over => {}
        }
    }

    /// Events before this position are lost.
    pub(crate) fn on_lost(
        &mut self,
        channel: Channel,
        position: Position,
        effects: &mut Vec<Effect>,
    ) {
        match self {
            // What was promised to the client or is being read for it rests on the position that was lost.
            Self::Opening(_) => effects.push(Effect::Close(CloseReason::PositionLost, None)),
            Self::Active(active) => active.on_lost(channel, position, effects),
            Self::Over => {}
        }
    }

    /// What an [`Effect::CheckRooms`] asked for.
    pub(crate) fn on_rooms_checked(
        &mut self,
        outcome: Result<RoomsSeen, RoomsUnknown>,
        effects: &mut Vec<Effect>,
    ) {
        if let Self::Active(active) = self {
            active.on_rooms_checked(outcome, effects);
        }
    }

    /// A channel without a log was not heard for a while.
    pub(crate) fn on_interrupted(&mut self, channel: Channel, effects: &mut Vec<Effect>) {
        if let Self::Active(active) = self {
            active.on_interrupted(channel, effects);
        }
    }

    /// A text message.
    pub(crate) fn on_text(&mut self, text: Bytes, now: Now, effects: &mut Vec<Effect>) {
        if let Self::Active(active) = self {
            active.on_text(text, now, effects);
        }
    }

    /// Counts a command that is not the session's to answer. Over the limit: what to tell the client, unless it is closed.
    pub(crate) fn allow(
        &mut self,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Option<Box<Problem>>> {
        match self {
            Self::Active(active) => active.allow(now, effects),
            Self::Opening(_) | Self::Over => Err(None),
        }
    }

    /// The answer to an [`Effect::Run`].
    pub(crate) fn on_answer(
        &mut self,
        reference: Option<&Reference>,
        answer: Answer,
        effects: &mut Vec<Effect>,
    ) {
        if let Self::Active(active) = self {
            active.on_answer(reference, answer, effects);
        }
    }

    /// There is room for so much more: what waits may go.
    pub(crate) fn on_room(&mut self, room: Room, effects: &mut Vec<Effect>) {
        if let Self::Active(active) = self {
            active.on_room(room, effects);
        }
    }

    /// Whether anything waits that [`Self::on_room`] could let go, now or after an input that is no event.
    pub(crate) fn is_behind(&self) -> bool {
        match self {
            Self::Opening(_) => true,
            Self::Active(active) => active.is_behind(),
            Self::Over => false,
        }
    }

    /// Time passed. Returns when to be called again at the latest, on the clock of [`Now::elapsed_ms`].
    pub(crate) fn on_tick(&mut self, now: Now, effects: &mut Vec<Effect>) -> u64 {
        match self {
            Self::Opening(opening) => opening.on_tick(now, effects),
            Self::Active(active) => active.on_tick(now, effects),
            Self::Over => u64::MAX,
        }
    }

    /// Something was sent.
    pub(crate) fn on_sent(&mut self, now: Now) {
        if let Self::Active(active) = self {
            active.on_sent(now);
        }
    }

    /// Any frame came from the client, also one that says nothing.
    pub(crate) fn on_heard(&mut self, now: Now) {
        if let Self::Active(active) = self {
            active.on_heard(now);
        }
    }

    /// Whose it is.
    pub(crate) fn who(&self) -> Option<Who> {
        match self {
            Self::Opening(opening) => Some(opening.who()),
            Self::Active(active) => Some(active.who()),
            Self::Over => None,
        }
    }
}

#[cfg(test)]
mod tests;
