//! Commands that a session cannot do by itself. Those that are about connections and not about what is stored are the
//! gateway's; whatever has another name is handed to `api`, so that a new command needs no change here.

mod broadcast;
mod forward;
mod refresh;
mod rooms;
mod signal;
mod typing;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::{
    connections::Name,
    flags,
    telemetry::trace::{Span, within},
    wire::{Code, Command, Event, Problem},
};
use tokio::time::Instant;
use tracing::Instrument;

use crate::{
    node::Node,
    session::{Answer, CommandName, CommandResult, Who},
};

/// In whose name a command is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) who: Who,
    /// On which of their connections.
    pub(crate) connection: Name,
}

/// What a command comes to.
type Done = Result<Box<RawValue>, Box<Problem>>;

/// Does a command in somebody's name. Bounded in time by whatever it asks.
pub(crate) async fn run(node: Arc<Node>, caller: Caller, command: Command) -> Answer {
    let begun = Instant::now();
    let name = CommandName::of(&command.name);
    // It begins here: what a client does has no request of its own.
    let span = Span::serving(|| format!("command {}", name.label()).into(), None);
    let context = span.context();
    let lines = tracing::info_span!(
        "command",
        connection_id = %caller.connection,
        user_id = %caller.who.user_id,
        trace_id = %context.trace_id()
    );
    let work = within(context, dispatch(&node, caller, &command));
    let answer = work.instrument(lines).await;
    let result = match &answer {
        Answer::Problem(problem) => CommandResult::of(problem),
        _ => CommandResult::Ok,
    };
    node.metrics.commands.ran(name, result, begun.elapsed());
    answer
}

async fn dispatch(node: &Node, caller: Caller, command: &Command) -> Answer {
    if let Err(problem) = require_switch(node, caller, &command.name) {
        return Answer::Problem(*problem);
    }
    match command.name.as_str() {
        "refresh" => refresh::refresh(node, caller.who, command).await,
        "join_post" => match rooms::enter(node, caller, command).await {
            Ok(entrance) => Answer::Entered(Box::new(entrance)),
            Err(problem) => Answer::Problem(*problem),
        },
        "typing_start" => answer(typing::start(node, caller, command).await),
        "typing_stop" => answer(typing::stop(node, caller, command).await),
        "signal" => answer(signal::signal(node, caller, command).await),
        "broadcast" => answer(broadcast::broadcast(node, caller, command).await),
        "presence" => match forward::forward(node, caller.who, command).await {
            Answer::Data(data) => Answer::Presence(data),
            answer => answer,
        },
        name => {
            let is_message = matches!(name, "private" | "group" | "message");
            let answer = forward::forward(node, caller.who, command).await;
            if is_message && matches!(answer, Answer::Data(_)) {
                typing::sent(node, caller, command);
            }
            answer
        }
    }
}

/// What is the gateway's alone stands behind switches here; what is forwarded, behind flags in `api`. An end of typing is
/// let through, so that no start stays.
fn require_switch(node: &Node, caller: Caller, name: &str) -> Result<(), Box<Problem>> {
    let flag = match name {
        "join_post" => &flags::ROOMS,
        "typing_start" => &flags::TYPING,
        _ => return Ok(()),
    };
    node.switches.require(flag, caller.who.user_id)
}

fn answer(outcome: Done) -> Answer {
    match outcome {
        Ok(data) => Answer::Data(data),
        Err(problem) => Answer::Problem(*problem),
    }
}

/// The data of a command that was done and has nothing to say.
fn done() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("an empty object is JSON")
}

/// The fields of a command.
fn read<'a, T: Deserialize<'a>>(command: &'a Command) -> Result<T, Box<Problem>> {
    serde_json::from_slice(&command.payload).map_err(|error| wrong(&error))
}

fn wrong(what: &(impl std::fmt::Display + ?Sized)) -> Box<Problem> {
    refusal(Code::ValidationFailed, what.to_string())
}

/// Tells whoever listens now; on whatever node, by way of Redis.
async fn publish(node: &Node, event: Event) -> Result<(), Box<Problem>> {
    node.bus.publish(&[event]).await.map_err(|error| {
        tracing::debug!(%error, "an ephemeral event is lost");
        refusal(Code::Unavailable, "Nobody can be told now")
    })
}

fn refusal(code: Code, detail: impl Into<String>) -> Box<Problem> {
    Box::new(Problem::new(code, detail))
}
