//! Commands that a session cannot do by itself. Two are the gateway's; whatever has another name is handed to `api`, so that
//! a new command needs no change here.

mod forward;
mod refresh;

use std::sync::Arc;

use shared::wire::Command;

use crate::{
    node::Node,
    session::{Answer, Who},
};

/// Does a command in somebody's name. Bounded in time by whatever it asks.
pub(crate) async fn run(node: Arc<Node>, who: Who, command: Command) -> Answer {
    match command.name.as_str() {
        "refresh" => refresh::refresh(&node, who, &command).await,
        _ => forward::forward(&node, who, &command).await,
    }
}
