//! Muting over HTTP.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::Serialize;
use shared::{ids::UserId, wire::Code};

use super::{Pair, mute, unmute};
use crate::app::{
    App,
    error::Error,
    http::{Path, SignedIn},
    openapi::{Routes, put},
};

pub(super) fn routes() -> Routes {
    Routes::new().route(
        "/users/{id}/mute",
        put(mute_user)
            .refuses(&[Code::SelfNotAllowed])
            .delete(unmute_user)
            .refuses(&[Code::SelfNotAllowed]),
    )
}

/// Whether the caller mutes the other afterwards.
#[derive(Serialize, JsonSchema)]
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
