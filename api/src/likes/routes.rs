//! Likes over HTTP.

use axum::{Json as Answer, extract::State};
use shared::ids::PostId;

use super::change::{LikeState, Wish, change};
use crate::app::{
    App,
    error::Error,
    http::{Path, SignedIn},
    openapi::{Routes, post},
};

pub(super) fn routes() -> Routes {
    let like = post(toggle_like).put(like_post).delete(unlike_post);
    Routes::new().route("/posts/{id}/like", like)
}

type LikeAnswer = Result<Answer<LikeState>, Error>;

async fn toggle_like(
    State(app): State<App>,
    caller: SignedIn,
    Path(post): Path<PostId>,
) -> LikeAnswer {
    let state = change(&app, caller.user_id, post, Wish::Toggle).await?;
    Ok(Answer(state))
}

async fn like_post(
    State(app): State<App>,
    caller: SignedIn,
    Path(post): Path<PostId>,
) -> LikeAnswer {
    let state = change(&app, caller.user_id, post, Wish::Like).await?;
    Ok(Answer(state))
}

async fn unlike_post(
    State(app): State<App>,
    caller: SignedIn,
    Path(post): Path<PostId>,
) -> LikeAnswer {
    let state = change(&app, caller.user_id, post, Wish::Unlike).await?;
    Ok(Answer(state))
}
