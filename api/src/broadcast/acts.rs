//! The act, whoever does it: an admin, or an operator at a terminal.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use shared::{ids::UserId, wire::Announcement};

use crate::{
    app::{
        db::Tx,
        error::Error,
        http::json::{Input, Wrong},
    },
    audit::{self, Act},
};

/// What everybody shall hear.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Broadcast(Announcement);

impl Input for Broadcast {
    fn check(&self, wrong: &mut Wrong) {
        let longest = Announcement::CONTENT_CHARACTERS_MAX;
        wrong.unless_text("content", &self.0.content, longest);
    }
}

/// Tells everybody who is connected.
pub async fn broadcast(
    tx: &mut Tx,
    actor: Option<UserId>,
    Broadcast(announcement): &Broadcast,
) -> Result<(), Error> {
    tx.ephemeral(&announcement.event(actor, &Announcement::key()))?;
    note(tx, actor, announcement).await
}

/// Writes down what was said.
pub(super) async fn note(
    tx: &Tx,
    actor: Option<UserId>,
    announcement: &Announcement,
) -> Result<(), Error> {
    let act = Act {
        actor,
        act: "broadcast",
        subject: "broadcast".to_owned(),
        detail: json!({"content": announcement.content}),
    };
    audit::note(tx, act).await
}
