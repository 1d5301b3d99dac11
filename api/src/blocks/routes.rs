//! Blocking over HTTP.

use axum::{Json as Answer, Router, extract::State, routing::put};
use serde::Serialize;
use shared::ids::UserId;

use super::{Pair, block, unblock};
use crate::app::{
    App,
    error::Error,
    http::{Path, SignedIn},
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/users/{id}/block", put(block_user).delete(unblock_user))
}

/// Whether the caller blocks the other afterwards.
#[derive(Serialize)]
struct BlockAnswer {
    blocked: bool,
}

async fn block_user(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
) -> Result<Answer<BlockAnswer>, Error> {
    block(&app, Pair::new(caller.user_id, user)?).await?;
    Ok(Answer(BlockAnswer { blocked: true }))
}

async fn unblock_user(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
) -> Result<Answer<BlockAnswer>, Error> {
    unblock(&app, Pair::new(caller.user_id, user)?).await?;
    Ok(Answer(BlockAnswer { blocked: false }))
}
