//! Rooms that a connection enters and leaves while it lives.

use serde::de::DeserializeOwned;
use shared::{
    bus::{JoinError, Start},
    ids::PostId,
    wire::{Channel, Code, Command, Problem, Reference, said::RoomOfPost},
};

use super::{
    Effect, Entrance, RETRY_AFTER_MS,
    active::Active,
    counted::CommandResult,
    post_room::{Entering, LeftBecause},
    rooms::{ROOMS_MAX, Rooms},
    turns::{acknowledge, did, json, refuse, refuse_at_once},
};

/// Whether a command is done, or its answer is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Done,
    UnderWay,
}

impl Active {
    /// `join_post`.
    pub(super) fn enter_room(&mut self, command: Command, effects: &mut Vec<Effect>) -> Progress {
        let post = match read::<RoomOfPost>(&command) {
            Ok(RoomOfPost { post_id }) => post_id,
            Err(problem) => {
                refuse_at_once(&command, &problem, effects);
                return Progress::Done;
            }
        };
        let rooms = self.rooms.get_or_insert_default();
        let is_inside = rooms.contains(post);
        if rooms.is_full() && !is_inside {
            let detail = format!("a connection is in {ROOMS_MAX} rooms at most");
            let problem = Problem::new(Code::TooManyRooms, detail);
            refuse_at_once(&command, &problem, effects);
            return Progress::Done;
        }
        let mut entering = Entering::new(post, command, is_inside);
        if is_inside {
            effects.extend(entering.command.take().map(Effect::Run));
        } else {
            let channel = Channel::Post(post);
            effects.push(Effect::Join {
                channel,
                since: None,
            });
        }
        rooms.entering = Some(entering);
        Progress::UnderWay
    }

    /// `leave_post`. Leaving a room that one is not in changes nothing.
    pub(super) fn leave_room(&mut self, command: &Command, effects: &mut Vec<Effect>) -> Progress {
        match read::<RoomOfPost>(command) {
            Ok(RoomOfPost { post_id }) => {
                if self.rooms().is_some_and(|rooms| rooms.remove(post_id)) {
                    effects.push(Effect::Leave(Channel::Post(post_id)));
                }
                let data = json(&serde_json::json!({ "post_id": post_id }));
                acknowledge(command.reference.as_ref(), &data, effects);
                did(&command.name, CommandResult::Ok, effects);
            }
            Err(problem) => refuse_at_once(command, &problem, effects),
        }
        Progress::Done
    }

    /// The channel of the room that is being entered is heard, or cannot be.
    pub(super) fn on_room_joined(
        &mut self,
        post: PostId,
        outcome: Result<Start, JoinError>,
        effects: &mut Vec<Effect>,
    ) {
        let entering = self.rooms().and_then(|rooms| rooms.entering.as_mut());
        let Some(entering) = entering.filter(|entering| entering.post == post) else {
            return;
        };
        let Some(command) = entering.command.take() else {
            return;
        };
        if outcome.is_ok() {
            effects.push(Effect::Run(command));
        } else {
            let problem = unavailable();
            self.on_refused(command.reference.as_ref(), &problem, effects);
            did(&command.name, CommandResult::of(&problem), effects);
            self.proceed(effects);
        }
    }

    /// `api` lets it in.
    pub(super) fn on_entered(
        &mut self,
        reference: Option<&Reference>,
        entrance: &Entrance,
        effects: &mut Vec<Effect>,
    ) {
        let Some(rooms) = self.rooms() else {
            return;
        };
        let Some(entering) = rooms.entering.take() else {
            return;
        };
        match entering.is_possible() {
            Ok(()) => {
                acknowledge(reference, &entrance.counts, effects);
                rooms.enter(entering, entrance, effects);
            }
            Err(why) => {
                rooms.entering = Some(entering);
                let problem = match why {
                    LeftBecause::Unavailable => unavailable(),
                    LeftBecause::Deleted | LeftBecause::NoAccess => {
                        Problem::new(Code::NotFound, "there is no such post")
                    }
                };
                self.on_refused(reference, &problem, effects);
            }
        }
    }

    /// A command is refused: a room that was to be entered by it is not, and is left where it may not be seen any more.
    pub(super) fn on_refused(
        &mut self,
        reference: Option<&Reference>,
        problem: &Problem,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(rooms) = self.rooms()
            && let Some(entering) = rooms.entering.take()
        {
            let is_final = problem.status < 500;
            if !entering.is_inside || (is_final && rooms.remove(entering.post)) {
                effects.push(Effect::Leave(Channel::Post(entering.post)));
            }
        }
        refuse(reference, problem, effects);
    }

    pub(super) fn rooms(&mut self) -> Option<&mut Rooms> {
        self.rooms.as_deref_mut()
    }
}

fn unavailable() -> Problem {
    let mut problem = Problem::new(Code::Unavailable, "The room cannot be entered now");
    problem.retry_after_ms = Some(RETRY_AFTER_MS);
    problem
}

/// The fields of a command.
fn read<T: DeserializeOwned>(command: &Command) -> Result<T, Box<Problem>> {
    serde_json::from_slice(&command.payload)
        .map_err(|error| Box::new(Problem::new(Code::ValidationFailed, error.to_string())))
}
