//! Comments over HTTP.

use axum::{
    Json as Answer, Router,
    extract::State,
    http::StatusCode,
    routing::{delete, get},
};
use serde::Deserialize;
use shared::ids::{CommentId, PostId};

use super::{
    change,
    queries::{self, CommentView},
};
use crate::{
    app::{
        App,
        error::Error,
        http::{
            Path, SignedIn,
            json::{Input, Json, Wrong},
            page::{Page, PageQuery},
            place::Place,
        },
    },
    posts,
};

/// The longest comment, in characters; a constraint holds it too.
const CONTENT_CHARACTERS_MAX: usize = 2_000;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/posts/{id}/comments",
            get(list_comments).post(create_comment),
        )
        .route("/posts/{id}/comments/{comment_id}", delete(delete_comment))
}

/// What somebody writes under a post.
#[derive(Debug, Deserialize)]
pub struct WriteComment {
    /// The text.
    pub content: String,
}

impl Input for WriteComment {
    fn check(&self, wrong: &mut Wrong) {
        wrong.unless_text("content", &self.content, CONTENT_CHARACTERS_MAX);
    }
}

async fn create_comment(
    State(app): State<App>,
    caller: SignedIn,
    Path(post): Path<PostId>,
    Json(input): Json<WriteComment>,
) -> Result<(StatusCode, Answer<CommentView>), Error> {
    let comment = change::write(&app, caller.user_id, post, &input.content).await?;
    Ok((StatusCode::CREATED, Answer(comment)))
}

async fn list_comments(
    State(app): State<App>,
    caller: SignedIn,
    Path(post): Path<PostId>,
    query: PageQuery,
) -> Result<Answer<Page<CommentView>>, Error> {
    let (place, rows) = (Place::of(&query)?, query.rows());
    let db = app.read().await?;
    posts::require_visible(&db, caller.user_id, post).await?;
    let comments = queries::list_comments(&db, (caller.user_id, post), place, rows).await?;
    Ok(Answer(query.page(comments, CommentView::place)))
}

async fn delete_comment(
    State(app): State<App>,
    caller: SignedIn,
    Path((post, comment)): Path<(PostId, CommentId)>,
) -> Result<StatusCode, Error> {
    change::delete(&app, caller.user_id, (post, comment)).await?;
    Ok(StatusCode::NO_CONTENT)
}
