//! Reactions over HTTP.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::ids::{PostId, UserId};

use super::{
    emoji::{self, is_one_emoji},
    queries,
};
use crate::{
    app::{
        App,
        db::Tx,
        error::Error,
        http::{
            Path, SignedIn,
            json::{Input, Json, Wrong},
        },
        live::Count,
        openapi::{Routes, put},
    },
    posts,
};

pub(super) fn routes() -> Routes {
    Routes::new().route("/posts/{id}/reaction", put(react).delete(take_back))
}

#[derive(Debug, Deserialize, JsonSchema)]
struct React {
    #[schemars(length(min = 1, max = emoji::CHARACTERS_MAX), example = &"🎉")]
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
#[derive(Debug, Serialize, JsonSchema)]
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
    finish(&app, tx, (own, Some(input.emoji)), is_news).await
}

async fn take_back(
    State(app): State<App>,
    caller: SignedIn,
    Path(post): Path<PostId>,
) -> Result<Answer<ReactionState>, Error> {
    let tx = app.begin().await?;
    posts::require_visible(&tx, caller.user_id, post).await?;
    let is_news = queries::delete_reaction(&tx, post, caller.user_id).await?;
    finish(&app, tx, ((post, caller.user_id), None), is_news).await
}

async fn finish(
    app: &App,
    tx: Tx,
    ((post, person), my_reaction): ((PostId, UserId), Option<String>),
    is_news: bool,
) -> Result<Answer<ReactionState>, Error> {
    let reactions = queries::count_reactions(&tx, person, post).await?;
    tx.commit().await?;
    if is_news {
        app.changed_counts().note(Count::Reactions, post);
    }
    Ok(Answer(ReactionState {
        my_reaction,
        reactions,
    }))
}
