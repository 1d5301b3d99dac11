//! `POST /broadcast`.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::wire::Announcement;

use crate::app::{
    App,
    error::Error,
    http::{
        Admin,
        answer::NoContent,
        json::{Input, Json, Wrong},
    },
    openapi::{Routes, post},
};

pub(super) fn routes() -> Routes {
    Routes::new().route("/broadcast", post(broadcast))
}

/// What everybody shall hear.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
struct Broadcast(Announcement);

impl Input for Broadcast {
    fn check(&self, wrong: &mut Wrong) {
        let longest = Announcement::CONTENT_CHARACTERS_MAX;
        wrong.unless_text("content", &self.0.content, longest);
    }
}

async fn broadcast(
    State(app): State<App>,
    Admin(caller): Admin,
    Json(Broadcast(announcement)): Json<Broadcast>,
) -> Result<NoContent, Error> {
    let mut tx = app.begin().await?;
    tx.ephemeral(&announcement.event(caller.user_id, &Announcement::key()))?;
    tx.commit().await?;
    Ok(NoContent)
}
