//! A connection after `welcome`.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use shared::{
    credentials::Standing,
    wire::{Channel, Class, CloseReason, Command, Event, Position},
};

use smallvec::SmallVec;

use super::{
    Effect, Now, Path, Room, Settings, Who,
    catch_up::CatchUp,
    groups::{Groups, Turn},
    heartbeat::{Due, Pulse},
    limits::Allowance,
    post_room::{Doubt, PostRoom, RoomsSeen, RoomsUnknown},
    rooms::Rooms,
    stream::{self, Stream, Taken},
};
use crate::codec::{Control, Encoded, native};

/// `session_expiring` comes so many seconds before the end.
const WARNING_SECONDS: i64 = 60;
/// What a clock of whole seconds may be behind, in milliseconds.
const PART_OF_A_SECOND_MS_MAX: u64 = 999;

#[derive(Debug)]
pub(crate) struct Active {
    pub(super) who: Who,
    pub(super) settings: Arc<Settings>,
    /// Of whoever is in no group, their own channel's and that of all.
    pub(super) streams: SmallVec<[Stream; 2]>,
    pub(super) groups: Groups,
    /// Channels that are being joined live and whose history is being read.
    pub(super) joins: Vec<Channel>,
    pulse: Pulse,
    pub(super) allowance: Allowance,
    /// Whether an [`Effect::Run`] is unanswered.
    pub(super) running: bool,
    pub(super) waiting: VecDeque<Command>,
    pub(super) catch_up: Option<Box<CatchUp>>,
    /// Of whoever has been in one.
    pub(super) rooms: Option<Box<Rooms>>,
    /// Whether the client was told of the present `expires_at`.
    pub(super) warned: bool,
}

impl Active {
    pub(super) fn new(
        who: Who,
        settings: Arc<Settings>,
        (streams, groups): (Vec<Stream>, Groups),
        pulse: Pulse,
        allowance: Allowance,
    ) -> Self {
        // The others have no order to be kept.
        let streams = streams.into_iter();
        let streams = streams.filter(|stream| stream.channel.is_durable());
        Self {
            who,
            settings,
            streams: streams.collect(),
            groups,
            joins: Vec::new(),
            pulse,
            allowance,
            running: false,
            waiting: VecDeque::new(),
            catch_up: None,
            rooms: None,
            warned: false,
        }
    }

    pub(super) fn who(&self) -> Who {
        self.who
    }

    pub(super) fn on_sent(&mut self, now: Now) {
        self.pulse.sent(now);
    }

    pub(super) fn on_heard(&mut self, now: Now) {
        self.pulse.heard(now);
    }

    pub(super) fn lets_through(&mut self, event: &Event) -> bool {
        if event.control || matches!(event.channel, Channel::Post(_)) {
            return false;
        }
        if event.class != Class::Durable {
            return true;
        }
        let mut streams = self.streams.iter_mut();
        let stream = streams.find(|stream| stream.channel == event.channel);
        stream.is_some_and(|stream| stream.lets_through(event))
    }

    pub(super) fn on_event(&mut self, encoded: &Arc<Encoded>, effects: &mut Vec<Effect>) {
        let event = &encoded.event;
        if event.class == Class::Durable {
            let Some(taken) = stream::take(&mut self.streams, encoded, self.settings.held) else {
                return;
            };
            match taken {
                Taken::Now => effects.push(Effect::Deliver(Arc::clone(encoded), Path::Live)),
                Taken::Overflow => {
                    effects.push(Effect::Close(CloseReason::SlowConsumer, None));
                }
                Taken::Hole => effects.push(Effect::Close(CloseReason::PositionLost, None)),
                Taken::Held | Taken::Repeat => {}
            }
        } else if let Channel::Post(post) = event.channel
            && !event.control
        {
            if let Some(rooms) = self.rooms() {
                rooms.on_event(post, encoded, effects);
            }
        } else if !event.control {
            effects.push(Effect::Deliver(Arc::clone(encoded), Path::Live));
        }
        if let Some(control) = encoded.control {
            self.on_control(control, event.channel, effects);
        }
    }

    fn on_control(&mut self, control: Control, heard_on: Channel, effects: &mut Vec<Effect>) {
        if control == Control::SessionRevoked(self.who.session_id) {
            effects.push(Effect::Close(CloseReason::SessionRevoked, None));
        }
        if let Some(rooms) = self.rooms() {
            match control {
                Control::AccessChanged => rooms.on_doubt(Doubt::Named, |_| true, effects),
                Control::AccountChanged(account) => {
                    rooms.on_doubt(Doubt::Named, |room| room.author == account, effects);
                }
                Control::PostDeleted(post) => rooms.on_deleted(post, effects),
                _ => {}
            }
        }
        self.take_turn(control, heard_on, effects);
    }

    fn take_turn(&mut self, control: Control, heard_on: Channel, effects: &mut Vec<Effect>) {
        match self.groups.on_control(control, heard_on) {
            Some(Turn::Hear(group, since)) => self.hear(group, since, effects),
            Some(Turn::Leave(group)) => self.leave(group, effects),
            None => {}
        }
    }

    /// A channel without a log was not heard for a while: whatever could have been said there may be true.
    pub(super) fn on_interrupted(&mut self, channel: Channel, effects: &mut Vec<Effect>) {
        if let Some(rooms) = self.rooms() {
            let concerns = |room: &PostRoom| match channel {
                Channel::Post(post) => room.post == post,
                _ => true,
            };
            rooms.on_doubt(Doubt::Vague, concerns, effects);
        }
    }

    pub(super) fn on_rooms_checked(
        &mut self,
        outcome: Result<RoomsSeen, RoomsUnknown>,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(rooms) = self.rooms() {
            rooms.on_checked(outcome, effects);
        }
    }

    pub(super) fn on_lost(
        &mut self,
        channel: Channel,
        position: Position,
        effects: &mut Vec<Effect>,
    ) {
        if matches!(channel, Channel::User(_)) {
            // Changes of membership may be among what was lost, and the end of the log-in, and of anything else.
            effects.push(Effect::Verify);
            effects.push(Effect::ReadMemberships { since: position });
            if let Some(rooms) = self.rooms() {
                rooms.on_doubt(Doubt::Named, |_| true, effects);
            }
        }
        let stream = self.streams.iter_mut().find(|s| s.channel == channel);
        // One that has no start yet has lost nothing.
        let Some(stream) = stream.filter(|stream| stream.position().is_some()) else {
            return;
        };
        if stream.is_behind() {
            // What is held has lost its place; a resume will tell what can be had.
            effects.push(Effect::Close(CloseReason::PositionLost, None));
        } else {
            stream.skip_to(position);
            let frame = native::resync(channel, position);
            effects.push(Effect::Moved(frame, channel, position));
        }
    }

    /// Whether the log-in has ended in what was lost.
    pub(super) fn on_standing(standing: Standing, effects: &mut Vec<Effect>) {
        match standing {
            Standing::Stands => {}
            Standing::Revoked => effects.push(Effect::Close(CloseReason::SessionRevoked, None)),
            // It is looked at again at the door.
            Standing::Unknown => effects.push(Effect::Close(CloseReason::PositionLost, None)),
        }
    }

    /// Sends what waits, as far as half a queue takes it; the rest follows when that has gone out.
    pub(super) fn flow(&mut self, effects: &mut Vec<Effect>) {
        let Room { frames, bytes } = self.settings.queue;
        let half = Room {
            frames: frames / 2,
            bytes: bytes / 2,
        };
        self.on_room(half, effects);
    }

    pub(super) fn on_room(&mut self, mut room: Room, effects: &mut Vec<Effect>) {
        while room.frames > 0 && room.bytes > 0 {
            let waiting = self.streams.iter_mut().find_map(Stream::next_waiting);
            let Some(encoded) = waiting else {
                return;
            };
            room.frames -= 1;
            room.bytes = room.bytes.saturating_sub(encoded.weight());
            let (control, channel) = (encoded.control, encoded.event.channel);
            effects.push(Effect::Deliver(encoded, Path::Resume));
            // Perhaps the person's own removal: what was said after it is not for them, wherever it was read.
            if let (Some(control), Channel::Group(_)) = (control, channel) {
                self.take_turn(control, channel, effects);
            }
        }
    }

    pub(super) fn is_behind(&self) -> bool {
        self.streams.iter().any(Stream::is_behind)
    }

    pub(super) fn on_tick(&mut self, now: Now, effects: &mut Vec<Effect>) -> u64 {
        let intervals = self.settings.intervals;
        loop {
            match self.pulse.due(intervals, now) {
                Due::Nothing => break,
                Due::Ping => effects.push(Effect::Ping),
                Due::Heartbeat => effects.push(Effect::Heartbeat(self.tops())),
                Due::Dead => {
                    effects.push(Effect::Close(CloseReason::HeartbeatMissed, None));
                    return u64::MAX;
                }
            }
        }
        if let Some(rooms) = self.rooms() {
            rooms.on_tick(now.elapsed_ms, effects);
        }
        let expiry_at_ms = self.check_expiry(now, effects);
        self.pulse.next_at_ms(intervals).min(expiry_at_ms)
    }

    fn tops(&mut self) -> BTreeMap<Channel, u64> {
        let tell = |stream: &mut Stream| Some((stream.channel, stream.tell_top()?));
        self.streams.iter_mut().filter_map(tell).collect()
    }

    /// Warns, closes, and returns when to look again.
    fn check_expiry(&mut self, now: Now, effects: &mut Vec<Effect>) -> u64 {
        let left_seconds = self.who.expires_at.saturating_sub(now.unix_seconds);
        if left_seconds <= 0 {
            effects.push(Effect::Close(CloseReason::TokenExpired, None));
            return u64::MAX;
        }
        let mut next_in_seconds = left_seconds;
        if left_seconds > WARNING_SECONDS {
            next_in_seconds = left_seconds - WARNING_SECONDS;
        } else if !self.warned {
            self.warned = true;
            let warning = native::session_expiring(self.who.expires_at);
            effects.push(Effect::Send(warning));
        }
        let next_in_ms = u64::try_from(next_in_seconds)
            .unwrap_or(0)
            .saturating_mul(1000);
        // The present second may be nearly over: so much of the wait is over then, too.
        now.elapsed_ms
            .saturating_add(next_in_ms)
            .saturating_sub(PART_OF_A_SECOND_MS_MAX)
    }
}
