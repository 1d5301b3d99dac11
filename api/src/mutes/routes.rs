//! Muting over HTTP.

use axum::{Json as Answer, Router, extract::State, routing::put};
use serde::Serialize;
use shared::ids::UserId;

use super::{Pair, mute, unmute};
use crate::app::{
    App,
    error::Error,
    http::{Path, SignedIn},
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/users/{id}/mute", put(mute_user).delete(unmute_user))
}

/// Whether the caller mutes the other afterwards.
#[derive(Serialize)]
struct MuteAnswer {
    muted: bool,
}

async fn mute_user(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
) -> Result<Answer<MuteAnswer>, Error> {
    mute(&app, Pair::new(caller.user_id, user)?).await?;
    Ok(Answer(MuteAnswer { muted: true }))
}

async fn unmute_user(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
) -> Result<Answer<MuteAnswer>, Error> {
    unmute(&app, Pair::new(caller.user_id, user)?).await?;
    Ok(Answer(MuteAnswer { muted: false }))
}
