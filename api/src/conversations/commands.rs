//! Socket commands about conversations.

use schemars::JsonSchema;
use serde::Deserialize;
use shared::ids::ConversationId;

use super::read::{self, MarkerView};
use crate::app::{
    App,
    commands::Command,
    error::Error,
    http::{SignedIn, json::Input},
};

pub(super) fn commands() -> Vec<Command> {
    vec![Command::new("read", read)]
}

/// Moves the read marker.
#[derive(Deserialize, JsonSchema)]
struct Read {
    conversation_id: ConversationId,
    seq: i64,
}

impl Input for Read {}

async fn read(app: App, caller: SignedIn, command: Read) -> Result<MarkerView, Error> {
    read::mark_read(&app, caller.user_id, command.conversation_id, command.seq).await
}
