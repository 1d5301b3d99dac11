//! `POST /broadcast`, and what a gateway tells of those that it said itself.

use axum::{Json as Answer, Router, extract::State, routing};
use serde::{Deserialize, Serialize};
use shared::{ids::UserId, wire::Announcement};

use super::acts::{self, Broadcast};
use crate::app::{
    App,
    error::Error,
    http::{
        Admin, Gateway,
        answer::NoContent,
        json::{Input, Json},
    },
    openapi::{Routes, post},
};

pub(super) fn routes() -> Routes {
    Routes::new().route("/broadcast", post(broadcast))
}

async fn broadcast(
    State(app): State<App>,
    Admin(caller): Admin,
    Json(input): Json<Broadcast>,
) -> Result<NoContent, Error> {
    let mut tx = app.begin().await?;
    acts::broadcast(&mut tx, Some(caller.user_id), &input).await?;
    tx.commit().await?;
    Ok(NoContent)
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
    acts::note(&tx, Some(said.user_id), &said.announcement).await?;
    tx.commit().await?;
    Ok(Answer(WrittenDown {}))
}
