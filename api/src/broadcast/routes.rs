//! `POST /broadcast`, and what a gateway tells of those that it said itself.

use axum::{Json as Answer, Router, extract::State, routing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{ids::UserId, wire::Announcement};

use crate::{
    app::{
        App,
        db::Tx,
        error::Error,
        http::{
            Admin, Gateway,
            answer::NoContent,
            json::{Input, Json, Wrong},
        },
        openapi::{Routes, post},
    },
    audit::{self, Act},
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
    note(&tx, caller.user_id, &announcement).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn note(tx: &Tx, admin: UserId, announcement: &Announcement) -> Result<(), Error> {
    let act = Act {
        actor: Some(admin),
        act: "broadcast",
        subject: "broadcast".to_owned(),
        detail: json!({"content": announcement.content}),
    };
    audit::note(tx, act).await
}

pub(super) fn internal_routes() -> Router<App> {
    Router::new().route("/broadcasts", routing::post(write_down))
}

/// What an admin said over a socket.
#[derive(Deserialize)]
struct Said {
    user_id: UserId,
    #[serde(flatten)]
    announcement: Announcement,
}

impl Input for Said {}

#[derive(Serialize)]
struct WrittenDown {}

async fn write_down(
    State(app): State<App>,
    _: Gateway,
    Json(said): Json<Said>,
) -> Result<Answer<WrittenDown>, Error> {
    let tx = app.begin().await?;
    note(&tx, said.user_id, &said.announcement).await?;
    tx.commit().await?;
    Ok(Answer(WrittenDown {}))
}
