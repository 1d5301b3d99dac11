//! `typing_start` and `typing_stop`.

use shared::wire::{Command, Problem, said::TypingPlace};

use super::{Caller, Done, done, publish, read, wrong};
use crate::{node::Node, reach::Target};

fn target(place: &TypingPlace) -> Result<Target, Box<Problem>> {
    match (place.to, place.group_id, place.conversation_id) {
        (Some(person), None, None) => Ok(Target::Person(person)),
        (None, Some(group), None) => Ok(Target::Group(group)),
        (None, None, Some(conversation)) => Ok(Target::Conversation(conversation)),
        _ => Err(wrong("to, group_id or conversation_id, one of them")),
    }
}

pub(super) async fn start(node: &Node, caller: Caller, command: &Command) -> Done {
    let target = target(&read(command)?)?;
    let person = caller.who.user_id;
    let reach = node.reach.find(&node.api, person, target).await?;
    if let Some(event) = node.typists.start(person, caller.connection, reach) {
        let told = publish(node, event).await;
        if told.is_err() {
            node.typists.forget(person, reach);
        }
        told?;
    }
    Ok(done())
}

/// Asked for like a start: what nobody may hear of, nobody hears the end of.
pub(super) async fn stop(node: &Node, caller: Caller, command: &Command) -> Done {
    let target = target(&read(command)?)?;
    let person = caller.who.user_id;
    let reach = node.reach.find(&node.api, person, target).await?;
    if let Some(event) = node.typists.stop(person, reach) {
        publish(node, event).await?;
    }
    Ok(done())
}

/// A message ends what its author types in the same place. What names no place was refused, and ends nothing.
pub(super) fn sent(node: &Node, caller: Caller, command: &Command) {
    let target = read(command).and_then(|place| target(&place));
    if let Ok(target) = target {
        node.typists.sent(caller.who.user_id, target);
    }
}
