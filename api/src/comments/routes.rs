//! Comments over HTTP.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;
use shared::{
    ids::{CommentId, PostId},
    wire::Code,
};

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
            answer::{Created, NoContent},
            json::{Input, Json, TEXT, Wrong},
            page::{Page, PageQuery},
            place::Place,
        },
        openapi::{Routes, delete, get},
    },
    posts,
};

/// The longest comment, in characters; a constraint holds it too.
const CONTENT_CHARACTERS_MAX: usize = 2_000;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/posts/{id}/comments",
            get(list_comments).post(create_comment),
        )
        .route(
            "/posts/{id}/comments/{comment_id}",
            delete(delete_comment).refuses(&[Code::Forbidden]),
        )
}

/// What somebody writes under a post.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct WriteComment {
    /// The text.
    #[schemars(length(min = 1, max = CONTENT_CHARACTERS_MAX), regex(pattern = TEXT), example = &"Well done.")]
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
) -> Result<Created<CommentView>, Error> {
    let comment = change::write(&app, caller.user_id, post, &input.content).await?;
    Ok(Created(comment))
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
) -> Result<NoContent, Error> {
    change::delete(&app, caller.user_id, (post, comment)).await?;
    Ok(NoContent)
}
