//! Memberships as gateways read them, when the mirror in Redis does not know them.

use axum::{Json as Answer, Router, extract::State, routing::post};
use serde::Deserialize;
use shared::{ids::UserId, membership::MembershipsAt};

use super::queries::members;
use crate::app::{
    App,
    error::Error,
    http::{
        Gateway,
        json::{Input, Json},
    },
};

/// `POST /internal/groups/memberships`.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/groups/memberships", post(memberships))
}

#[derive(Deserialize)]
struct WhoseMemberships {
    user_id: UserId,
}

impl Input for WhoseMemberships {}

async fn memberships(
    State(app): State<App>,
    _: Gateway,
    Json(input): Json<WhoseMemberships>,
) -> Result<Answer<MembershipsAt>, Error> {
    let db = app.read().await?;
    members::memberships(&db, input.user_id).await.map(Answer)
}
