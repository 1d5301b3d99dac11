//! Blocking over HTTP.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::Serialize;
use shared::{ids::UserId, wire::Code};

use super::{Pair, block, unblock};
use crate::app::{
    App,
    error::Error,
    http::{Path, SignedIn},
    openapi::{Routes, put},
};

pub(super) fn routes() -> Routes {
    Routes::new().route(
        "/users/{id}/block",
        put(block_user)
            .refuses(&[Code::SelfNotAllowed])
            .delete(unblock_user)
            .refuses(&[Code::SelfNotAllowed]),
    )
}

/// Whether the caller blocks the other afterwards.
#[derive(Serialize, JsonSchema)]
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
