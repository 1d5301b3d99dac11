//! A post's live room, as gateways ask about it: who may come in, and who may stay.
//!
//! The gateway hears the room's channel before it asks, and tells the client nothing until it has the answer, so that
//! nothing falls between the counts and the changes that follow.

use axum::{Json as Answer, Router, extract::State, routing::post};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{
    ids::{GroupId, PostId, UserId},
    wire::Problem,
};

use super::{queries, read};
use crate::app::{
    App,
    db::Connection,
    error::Error,
    http::{
        Gateway,
        json::{Input, Json, Wrong},
    },
};

/// People that one viewer blocks or is blocked by, of whom a gateway is told at most.
const HIDDEN_MAX: usize = 1000;
/// Viewers that one question may be about.
const VIEWERS_MAX: usize = 512;
/// Rooms of one viewer that one question may be about.
const POSTS_MAX: usize = 256;

pub(super) fn internal_routes() -> Router<App> {
    Router::new()
        .route("/rooms/enter", post(enter))
        .route("/rooms/check", post(check))
}

#[derive(Deserialize)]
struct Enter {
    user_id: UserId,
    post_id: PostId,
}

impl Input for Enter {}

/// Answered with 200 also when the viewer is refused: only a store that is away is an error.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    Room(Room),
    Problem(Problem),
}

#[derive(Serialize)]
struct Room {
    /// What the client is told.
    counts: Counts,
    author_id: UserId,
    group_id: Option<GroupId>,
    hidden: Option<Vec<UserId>>,
}

/// How things stand, as the viewer sees them.
#[derive(Serialize)]
struct Counts {
    post_id: PostId,
    like_count: i64,
    comment_count: i64,
    reactions: Value,
}

async fn enter(
    State(app): State<App>,
    _: Gateway,
    Json(input): Json<Enter>,
) -> Result<Answer<Entry>, Error> {
    let db = app.read().await?;
    let view = match read(&db, input.user_id, input.post_id).await {
        Ok(view) => view,
        Err(error) if error.code().status() < 500 => {
            return Ok(Answer(Entry::Problem(error.to_problem())));
        }
        Err(error) => return Err(error),
    };
    Ok(Answer(Entry::Room(Room {
        counts: Counts {
            post_id: view.id,
            like_count: view.like_count,
            comment_count: view.comment_count,
            reactions: view.reactions,
        },
        author_id: view.author.id,
        group_id: view.group_id,
        hidden: hidden_from(&db, input.user_id).await?,
    })))
}

#[derive(Deserialize)]
struct Check {
    viewers: Vec<Viewer>,
}

#[derive(Deserialize)]
struct Viewer {
    user_id: UserId,
    posts: Vec<PostId>,
}

impl Input for Check {
    fn check(&self, wrong: &mut Wrong) {
        let too_long = self
            .viewers
            .iter()
            .any(|viewer| viewer.posts.len() > POSTS_MAX);
        if self.viewers.len() > VIEWERS_MAX || too_long {
            wrong.field("viewers", "too_many", "viewers and posts are bounded");
        }
    }
}

#[derive(Serialize)]
struct Checked {
    /// In the order of the question.
    viewers: Vec<Seen>,
}

/// What a viewer may see now.
#[derive(Serialize)]
struct Seen {
    posts: Vec<PostId>,
    hidden: Option<Vec<UserId>>,
}

async fn check(
    State(app): State<App>,
    _: Gateway,
    Json(input): Json<Check>,
) -> Result<Answer<Checked>, Error> {
    let db = app.read().await?;
    // On one connection, the statements of all viewers under way together.
    let seen = input.viewers.iter().map(|viewer| look(&db, viewer));
    let viewers = try_join_all(seen).await?;
    Ok(Answer(Checked { viewers }))
}

async fn look(db: &Connection, viewer: &Viewer) -> Result<Seen, Error> {
    Ok(Seen {
        posts: queries::list_visible(db, viewer.user_id, &viewer.posts).await?,
        hidden: hidden_from(db, viewer.user_id).await?,
    })
}

/// Whose comments the viewer does not see, wherever they are written; `None`: too many to list.
async fn hidden_from(db: &Connection, viewer: UserId) -> Result<Option<Vec<UserId>>, Error> {
    let hidden = queries::list_blocked_people(db, viewer, HIDDEN_MAX + 1).await?;
    Ok(Some(hidden).filter(|hidden| hidden.len() <= HIDDEN_MAX))
}
