//! The route and the command: two ways to the same function.

use api::app::{
    App,
    error::Error,
    http::{
        Path, SignedIn,
        json::{Input, Json, Wrong},
    },
    openapi::{Routes, post},
};
use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::ids::PostId;

use super::act::act;

/// The longest comment, in characters.
const CONTENT_CHARACTERS_MAX: usize = 2_000;

pub(super) fn routes() -> Routes {
    Routes::new().route("/posts/{id}/actions", post(act_on_post))
}

/// What somebody does with a post.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub(super) enum Action {
    /// Likes it; liking it again is no news.
    Like,
    /// Writes under it.
    Comment {
        /// The text.
        content: String,
    },
    /// Tells their followers of it.
    Share,
}

impl Action {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Like => "like",
            Self::Comment { .. } => "comment",
            Self::Share => "share",
        }
    }
}

impl Input for Action {
    fn check(&self, wrong: &mut Wrong) {
        if let Self::Comment { content } = self {
            wrong.unless_text("content", content, CONTENT_CHARACTERS_MAX);
        }
    }
}

/// What was done.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Acted {
    pub(super) post_id: PostId,
    pub(super) action: &'static str,
    /// Followers who heard of it.
    pub(super) followers_told: usize,
}

async fn act_on_post(
    State(app): State<App>,
    caller: SignedIn,
    Path(post): Path<PostId>,
    Json(action): Json<Action>,
) -> Result<Answer<Acted>, Error> {
    let acted = act(&app, caller.user_id, post, &action).await?;
    Ok(Answer(acted))
}

/// `{"type": "post_action", "post_id": 7, "action": "comment", "content": "well done"}` on a socket.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct PostActionCommand {
    post_id: PostId,
    #[serde(flatten)]
    action: Action,
}

impl Input for PostActionCommand {
    fn check(&self, wrong: &mut Wrong) {
        self.action.check(wrong);
    }
}

/// The same over a socket.
pub(super) async fn command(
    app: App,
    caller: SignedIn,
    command: PostActionCommand,
) -> Result<Acted, Error> {
    act(&app, caller.user_id, command.post_id, &command.action).await
}
