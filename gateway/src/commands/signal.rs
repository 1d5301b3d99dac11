//! `signal`: what two people's devices have to tell each other before they can talk without us.

use shared::{
    ids::EventId,
    wire::{Channel, Class, Code, Command, Ephemeral, said::Signal},
};

use super::{Caller, Done, done, publish, read, refusal};
use crate::{node::Node, reach::Target};

/// A session description is a few kilobytes.
const DATA_BYTES_MAX: usize = 16 * 1024;

/// All devices of the other one hear it; which of them answers is theirs to say.
pub(super) async fn signal(node: &Node, caller: Caller, command: &Command) -> Done {
    let Signal { to, data } = read(command)?;
    if data.get().len() > DATA_BYTES_MAX {
        let detail = format!("\"data\" is {DATA_BYTES_MAX} bytes at most");
        return Err(refusal(Code::PayloadTooLarge, detail));
    }
    let from = caller.who.user_id;
    node.reach.find(&node.api, from, Target::Call(to)).await?;
    // Each is a key of its own: none makes another one superfluous.
    let key = format!("signal:{}", EventId::ephemeral());
    let signal = Ephemeral {
        channel: Channel::User(to),
        kind: "signal",
        class: Class::State,
        key: Some(&key),
        control: false,
        from: Some(from),
        to: Some(to),
        group: None,
        data: &data,
    };
    let event = signal.at(node.clock.now_ms());
    publish(node, event.expect("JSON that was read can be written")).await?;
    Ok(done())
}
