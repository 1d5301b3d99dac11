//! A connection after `welcome`.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use shared::{
    bus::HistoryError,
    wire::{
        Channel, Class, CloseReason, Code, Command, InvalidCommand, Position, Problem, Reference,
    },
};

use super::{
    Answer, Effect, Now, Path, RETRY_AFTER_MS, Room, Settings, Who,
    catch_up::CatchUp,
    groups::{Groups, Turn},
    heartbeat::{Due, Pulse},
    limits::{Allowance, Verdict},
    stream::{Stream, Taken},
};
use crate::codec::{Control, Encoded, native};

/// Commands that wait while one is being done.
const WAITING_MAX: usize = 64;
/// `session_expiring` comes so many seconds before the end.
const WARNING_SECONDS: i64 = 60;

#[derive(Debug)]
pub(crate) struct Active {
    who: Who,
    settings: Arc<Settings>,
    pub(super) streams: Vec<Stream>,
    pub(super) groups: Groups,
    /// Channels that are being joined live and whose history is being read.
    pub(super) joins: Vec<Channel>,
    pulse: Pulse,
    allowance: Allowance,
    /// Whether an [`Effect::Run`] is unanswered.
    running: bool,
    waiting: VecDeque<Command>,
    catch_up: Option<Box<CatchUp>>,
    /// Whether the client was told of the present `expires_at`.
    warned: bool,
}

impl Active {
    pub(super) fn new(
        who: Who,
        settings: Arc<Settings>,
        (streams, groups): (Vec<Stream>, Groups),
        pulse: Pulse,
        allowance: Allowance,
    ) -> Self {
        Self {
            who,
            settings,
            streams,
            groups,
            joins: Vec::new(),
            pulse,
            allowance,
            running: false,
            waiting: VecDeque::new(),
            catch_up: None,
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

    pub(super) fn on_event(&mut self, encoded: &Arc<Encoded>, effects: &mut Vec<Effect>) {
        let event = &encoded.event;
        if event.class == Class::Durable {
            let held = self.settings.held;
            let Some(stream) = self.streams.iter_mut().find(|s| s.channel == event.channel) else {
                return;
            };
            match stream.take(encoded, held) {
                Taken::Now => effects.push(Effect::Deliver(Arc::clone(encoded), Path::Live)),
                Taken::Overflow => {
                    effects.push(Effect::Close(CloseReason::SlowConsumer, None));
                }
                Taken::Hole => effects.push(Effect::Close(CloseReason::PositionLost, None)),
                Taken::Held | Taken::Repeat => {}
            }
        } else {
            effects.push(Effect::Deliver(Arc::clone(encoded), Path::Live));
        }
        if encoded.control == Some(Control::SessionRevoked(self.who.session_id)) {
            effects.push(Effect::Close(CloseReason::SessionRevoked, None));
        }
        if let Some(control) = encoded.control {
            match self.groups.on_control(control, event.channel) {
                Some(Turn::Hear(group, since)) => self.hear(group, since, effects),
                Some(Turn::Leave(group)) => self.leave(group, effects),
                None => {}
            }
        }
    }

    pub(super) fn on_lost(
        &mut self,
        channel: Channel,
        position: Position,
        effects: &mut Vec<Effect>,
    ) {
        if matches!(channel, Channel::User(_)) {
            // Changes of membership may be among what was lost.
            effects.push(Effect::ReadMemberships { since: position });
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
            effects.push(Effect::Send(native::resync(channel, position)));
        }
    }

    pub(super) fn on_text(&mut self, text: Bytes, now: Now, effects: &mut Vec<Effect>) {
        match self.allowance.take(now) {
            Verdict::Allowed => {}
            Verdict::Flood => {
                effects.push(Effect::Close(
                    CloseReason::RateLimited,
                    Some(RETRY_AFTER_MS),
                ));
                return;
            }
            Verdict::Refused { retry_after_ms } => {
                let reference = Command::parse(text).ok().and_then(|c| c.reference);
                let problem = rate_limited("Too many commands", retry_after_ms);
                effects.push(Effect::Send(native::error(reference.as_ref(), &problem)));
                return;
            }
        }
        match Command::parse(text) {
            Ok(command) => {
                self.allowance.well_formed();
                self.on_command(command, effects);
            }
            Err(invalid) => self.on_malformed(invalid, effects),
        }
    }

    fn on_malformed(&mut self, invalid: InvalidCommand, effects: &mut Vec<Effect>) {
        let code = match invalid {
            InvalidCommand::Json => Code::InvalidJson,
            InvalidCommand::Shape | InvalidCommand::Reference => Code::InvalidRequest,
        };
        let problem = Problem::new(code, invalid.to_string());
        effects.push(Effect::Send(native::error(None, &problem)));
        if self.allowance.malformed() {
            effects.push(Effect::Close(CloseReason::TooManyMalformedFrames, None));
        }
    }

    /// What needs nobody's help is done here, at once; the rest takes its turn.
    fn on_command(&mut self, command: Command, effects: &mut Vec<Effect>) {
        match command.name.as_str() {
            "ping" => effects.push(Effect::Send(native::pong(command.reference.as_ref()))),
            "sync" => self.on_sync(command, effects),
            _ if !self.running => {
                self.running = true;
                effects.push(Effect::Run(command));
            }
            _ if self.waiting.len() < WAITING_MAX => self.waiting.push_back(command),
            _ => {
                let problem = rate_limited("Too many commands are waiting", RETRY_AFTER_MS);
                refuse(command.reference.as_ref(), &problem, effects);
            }
        }
    }

    pub(super) fn on_answer(
        &mut self,
        reference: Option<&Reference>,
        answer: Answer,
        effects: &mut Vec<Effect>,
    ) {
        match answer {
            Answer::Data(data) => acknowledge(reference, &data, effects),
            Answer::Problem(problem) => refuse(reference, &problem, effects),
            Answer::Refreshed(expires_at) => {
                self.who.expires_at = expires_at;
                self.warned = false;
                let data = json(&serde_json::json!({ "session_expires_at": expires_at }));
                acknowledge(reference, &data, effects);
            }
        }
        match self.waiting.pop_front() {
            Some(next) => effects.push(Effect::Run(next)),
            None => self.running = false,
        }
    }

    fn on_sync(&mut self, command: Command, effects: &mut Vec<Effect>) {
        let reference = command.reference;
        let behind = self.streams.iter().any(Stream::is_behind);
        if behind || self.catch_up.is_some() {
            let problem = rate_limited("A replay is under way", RETRY_AFTER_MS);
            refuse(reference.as_ref(), &problem, effects);
            return;
        }
        match CatchUp::begin(
            &command.payload,
            reference.clone(),
            &mut self.streams,
            effects,
        ) {
            Ok(catch_up) => self.catch_up = Some(Box::new(catch_up)),
            Err(problem) => refuse(reference.as_ref(), &problem, effects),
        }
        self.finish_catch_up(effects);
    }

    pub(super) fn on_history(
        &mut self,
        channel: Channel,
        outcome: Result<Vec<Arc<Encoded>>, HistoryError>,
        effects: &mut Vec<Effect>,
    ) {
        if self.joins.contains(&channel) {
            self.on_join_history(channel, outcome, effects);
            return;
        }
        let stream = self.streams.iter_mut().find(|s| s.channel == channel);
        if let (Some(catch_up), Some(stream)) = (&mut self.catch_up, stream) {
            catch_up.on_history(stream, outcome);
        }
        self.finish_catch_up(effects);
    }

    fn finish_catch_up(&mut self, effects: &mut Vec<Effect>) {
        if let Some(catch_up) = self.catch_up.take_if(|catch_up| catch_up.is_complete()) {
            match catch_up.outcome() {
                Ok(data) => acknowledge(catch_up.reference(), &data, effects),
                Err(problem) => refuse(catch_up.reference(), &problem, effects),
            }
            self.flow(effects);
        }
    }

    /// Sends what waits, as far as half a queue takes it; the rest follows when that has gone out.
    pub(super) fn flow(&mut self, effects: &mut Vec<Effect>) {
        let Room { frames, bytes } = self.settings.held;
        let half = Room {
            frames: frames / 2,
            bytes: bytes / 2,
        };
        self.on_room(half, effects);
    }

    pub(super) fn on_room(&mut self, mut room: Room, effects: &mut Vec<Effect>) {
        for stream in &mut self.streams {
            while stream.is_behind() && room.frames > 0 && room.bytes > 0 {
                let Some(encoded) = stream.next_waiting() else {
                    break;
                };
                room.frames -= 1;
                room.bytes = room.bytes.saturating_sub(encoded.weight());
                effects.push(Effect::Deliver(encoded, Path::Resume));
            }
        }
    }

    pub(super) fn on_tick(&mut self, now: Now, effects: &mut Vec<Effect>) -> u64 {
        loop {
            match self.pulse.due(now) {
                Due::Nothing => break,
                Due::Ping => effects.push(Effect::Ping),
                Due::Heartbeat => {
                    let tops = self.tops();
                    effects.push(Effect::Send(native::heartbeat(&tops)));
                }
                Due::Dead => {
                    effects.push(Effect::Close(CloseReason::HeartbeatMissed, None));
                    return u64::MAX;
                }
            }
        }
        let expiry_at_ms = self.check_expiry(now, effects);
        self.pulse.next_at_ms().min(expiry_at_ms)
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
        let next_in_ms = u64::try_from(next_in_seconds).unwrap_or(0) * 1000;
        now.elapsed_ms.saturating_add(next_in_ms)
    }
}

fn rate_limited(detail: &str, retry_after_ms: u64) -> Problem {
    let mut problem = Problem::new(Code::RateLimited, detail);
    problem.retry_after_ms = Some(retry_after_ms);
    problem
}

/// Whoever gave no reference wants no acknowledgement.
fn acknowledge(reference: Option<&Reference>, data: &RawValue, effects: &mut Vec<Effect>) {
    if let Some(reference) = reference {
        effects.push(Effect::Send(native::ack(reference, data)));
    }
}

/// A refusal is told even to whoever gave no reference.
fn refuse(reference: Option<&Reference>, problem: &Problem, effects: &mut Vec<Effect>) {
    effects.push(Effect::Send(native::error(reference, problem)));
}

pub(super) fn json(data: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(data).expect("numbers, texts and maps always serialise")
}
