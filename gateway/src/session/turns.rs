//! Commands, each in its turn.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use shared::{
    bus::HistoryError,
    wire::{Channel, CloseReason, Code, Command, InvalidCommand, Problem, Reference},
};

use super::{
    Answer, CommandName, CommandResult, Effect, Now, RETRY_AFTER_MS,
    active::Active,
    catch_up::CatchUp,
    limits::Verdict,
    live_rooms::Progress,
    stream::{self, Stream},
};
use crate::codec::{Encoded, native};

/// Commands that wait while one is being done.
const WAITING_MAX: usize = 64;

impl Active {
    pub(super) fn on_text(&mut self, text: Bytes, now: Now, effects: &mut Vec<Effect>) {
        let allowed = self.take_allowance(now, effects);
        match (Command::parse(text), allowed) {
            (Ok(command), Ok(())) => {
                self.allowance.well_formed();
                self.on_command(command, effects);
            }
            (Err(invalid), Ok(())) => self.on_malformed(invalid, effects),
            (Ok(command), Err(Some(problem))) => refuse_at_once(&command, &problem, effects),
            (Err(_), Err(Some(problem))) => refuse_frame(&problem, effects),
            (_, Err(None)) => {}
        }
    }

    /// Counts a command that another room answers. Over the limit: what to tell the client, unless it is closed.
    pub(super) fn allow(
        &mut self,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Option<Box<Problem>>> {
        self.take_allowance(now, effects).inspect_err(|problem| {
            if let Some(problem) = problem {
                let result = CommandResult::of(problem);
                effects.push(Effect::Did(CommandName::NONE, result));
            }
        })
    }

    fn take_allowance(
        &mut self,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Option<Box<Problem>>> {
        match self.allowance.take(self.settings.commands, now) {
            Verdict::Allowed => Ok(()),
            Verdict::Flood => {
                let reason = CloseReason::RateLimited;
                effects.push(Effect::Close(reason, Some(RETRY_AFTER_MS)));
                Err(None)
            }
            Verdict::Refused { retry_after_ms } => {
                let problem = rate_limited("Too many commands", retry_after_ms);
                Err(Some(Box::new(problem)))
            }
        }
    }

    fn on_malformed(&mut self, invalid: InvalidCommand, effects: &mut Vec<Effect>) {
        let code = match invalid {
            InvalidCommand::Json => Code::InvalidJson,
            InvalidCommand::Shape | InvalidCommand::Reference => Code::InvalidRequest,
        };
        refuse_frame(&Problem::new(code, invalid.to_string()), effects);
        if self.allowance.malformed() {
            effects.push(Effect::Close(CloseReason::TooManyMalformedFrames, None));
        }
    }

    /// What needs nobody's help is done here, at once; the rest takes its turn.
    fn on_command(&mut self, command: Command, effects: &mut Vec<Effect>) {
        match command.name.as_str() {
            "ping" => {
                effects.push(Effect::Send(native::pong(command.reference.as_ref())));
                did("ping", CommandResult::Ok, effects);
            }
            "sync" => self.on_sync(&command, effects),
            "ack" => self.on_ack(&command, effects),
            _ if !self.running => {
                self.running = true;
                if self.begin(command, effects) == Progress::Done {
                    self.proceed(effects);
                }
            }
            _ if self.waiting.len() < WAITING_MAX => self.waiting.push_back(command),
            _ => {
                let problem = rate_limited("Too many commands are waiting", RETRY_AFTER_MS);
                refuse_at_once(&command, &problem, effects);
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
            Answer::Presence(data) => {
                effects.push(Effect::Send(native::presence_state(&data)));
                acknowledge(reference, &data, effects);
            }
            Answer::Problem(problem) => self.on_refused(reference, &problem, effects),
            Answer::Entered(entrance) => self.on_entered(reference, &entrance, effects),
            Answer::Refreshed { expires_at, role } => {
                self.who.expires_at = expires_at;
                self.who.role = role;
                self.warned = false;
                let data = json(&serde_json::json!({ "session_expires_at": expires_at }));
                acknowledge(reference, &data, effects);
            }
        }
        self.proceed(effects);
    }

    /// A command whose turn it is.
    fn begin(&mut self, command: Command, effects: &mut Vec<Effect>) -> Progress {
        match command.name.as_str() {
            "join_post" => self.enter_room(command, effects),
            "leave_post" => self.leave_room(&command, effects),
            _ => {
                effects.push(Effect::Run(command));
                Progress::UnderWay
            }
        }
    }

    /// The next commands, as far as they need not be waited for.
    pub(super) fn proceed(&mut self, effects: &mut Vec<Effect>) {
        while let Some(next) = self.waiting.pop_front() {
            if self.begin(next, effects) == Progress::UnderWay {
                return;
            }
        }
        self.running = false;
    }

    fn on_sync(&mut self, command: &Command, effects: &mut Vec<Effect>) {
        let behind = self.streams.iter().any(Stream::is_behind);
        if behind || self.catch_up.is_some() {
            let problem = rate_limited("A replay is under way", RETRY_AFTER_MS);
            refuse_at_once(command, &problem, effects);
            return;
        }
        match CatchUp::begin(
            &command.payload,
            command.reference.clone(),
            &mut self.streams,
            effects,
        ) {
            Ok(catch_up) => self.catch_up = Some(Box::new(catch_up)),
            Err(problem) => refuse_at_once(command, &problem, effects),
        }
        self.finish_catch_up(effects);
    }

    pub(super) fn on_history(
        &mut self,
        channel: Channel,
        outcome: Result<Vec<Arc<Encoded>>, HistoryError>,
        effects: &mut Vec<Effect>,
    ) {
        let outcome = stream::admit(&self.streams, outcome, self.settings.replay_bytes_max);
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
                Ok(data) => {
                    acknowledge(catch_up.reference(), &data, effects);
                    did("sync", CommandResult::Ok, effects);
                }
                Err(problem) => {
                    refuse(catch_up.reference(), &problem, effects);
                    did("sync", CommandResult::of(&problem), effects);
                }
            }
            self.flow(effects);
        }
    }
}

fn rate_limited(detail: &str, retry_after_ms: u64) -> Problem {
    let mut problem = Problem::new(Code::RateLimited, detail);
    problem.retry_after_ms = Some(retry_after_ms);
    problem
}

/// Whoever gave no reference wants no acknowledgement.
pub(super) fn acknowledge(
    reference: Option<&Reference>,
    data: &RawValue,
    effects: &mut Vec<Effect>,
) {
    if let Some(reference) = reference {
        effects.push(Effect::Send(native::ack(reference, data)));
    }
}

/// A refusal is told even to whoever gave no reference.
pub(super) fn refuse(reference: Option<&Reference>, problem: &Problem, effects: &mut Vec<Effect>) {
    effects.push(Effect::Send(native::error(reference, problem)));
}

/// A command that went no further than this connection.
pub(super) fn refuse_at_once(command: &Command, problem: &Problem, effects: &mut Vec<Effect>) {
    refuse(command.reference.as_ref(), problem, effects);
    did(&command.name, CommandResult::of(problem), effects);
}

/// A frame that is no command, or was not read.
fn refuse_frame(problem: &Problem, effects: &mut Vec<Effect>) {
    refuse(None, problem, effects);
    effects.push(Effect::Did(CommandName::NONE, CommandResult::of(problem)));
}

/// To be counted.
pub(super) fn did(name: &str, result: CommandResult, effects: &mut Vec<Effect>) {
    effects.push(Effect::Did(CommandName::of(name), result));
}

pub(super) fn json(data: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(data).expect("numbers, texts and maps always serialise")
}
