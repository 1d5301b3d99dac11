//! Reactions over HTTP.

use axum::{Json as Answer, Router, extract::State, routing::put};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::ids::PostId;

use super::{emoji::is_one_emoji, events, queries};
use crate::{
    app::{
        App,
        error::Error,
        http::{
            Path, SignedIn,
            json::{Input, Json, Wrong},
        },
    },
    posts,
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/posts/{id}/reaction", put(react).delete(take_back))
}

#[derive(Debug, Deserialize)]
struct React {
    emoji: String,
}

impl Input for React {
    fn check(&self, wrong: &mut Wrong) {
        if !is_one_emoji(&self.emoji) {
            wrong.field("emoji", "not_an_emoji", "one emoji");
        }
    }
}

/// How it is afterwards.
#[derive(Debug, Serialize)]
struct ReactionState {
    my_reaction: Option<String>,
    reactions: Value,
}

async fn react(
    State(app): State<App>,
    caller: SignedIn,
    Path(post): Path<PostId>,
    Json(input): Json<React>,
) -> Result<Answer<ReactionState>, Error> {
    let tx = app.begin().await?;
    posts::require_visible(&tx, caller.user_id, post).await?;
    let own = (post, caller.user_id);
    let is_news = queries::set_reaction(&tx, own, &input.emoji, app.now()).await?;
    tx.commit().await?;
    answer(&app, post, Some(input.emoji), is_news).await
}

async fn take_back(
    State(app): State<App>,
    caller: SignedIn,
    Path(post): Path<PostId>,
) -> Result<Answer<ReactionState>, Error> {
    let tx = app.begin().await?;
    posts::require_visible(&tx, caller.user_id, post).await?;
    let is_news = queries::delete_reaction(&tx, post, caller.user_id).await?;
    tx.commit().await?;
    answer(&app, post, None, is_news).await
}

/// Counted after the commit: of two people who react at once, the one who counts last counts both, and neither has to
/// wait for the other.
async fn answer(
    app: &App,
    post: PostId,
    my_reaction: Option<String>,
    is_news: bool,
) -> Result<Answer<ReactionState>, Error> {
    let mut tx = app.begin().await?;
    let reactions = queries::count_reactions(&tx, post).await?;
    if is_news {
        events::reaction_count(&mut tx, post, &reactions)?;
    }
    tx.commit().await?;
    Ok(Answer(ReactionState {
        my_reaction,
        reactions,
    }))
}
