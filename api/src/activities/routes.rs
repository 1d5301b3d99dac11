//! Activities over HTTP.

use axum::{Json as Answer, extract::State};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::{
    ids::{CommentId, PostId, UserId},
    wire::Code,
};

use crate::{
    app::{
        App,
        db::Connection,
        error::Error,
        http::{
            Path, SignedIn,
            answer::{Created, NoContent},
            json::{Input, Json, TEXT, Wrong},
        },
        openapi::{Routes, delete, get, post},
    },
    comments::{self, CommentView, WriteComment},
    likes::{self, LikeState, Wish},
    posts::{
        self, ATTACHMENTS_MAX, Activity, Attachment, DISTANCE_KM_MAX, MINUTES_MAX,
        NOTES_LENGTH_MAX, NewPost, PostView, TYPE_LENGTH_MAX, YEARS_PATTERN, check_attachments,
    },
};

/// As posts have it.
const CONTENT_CHARACTERS_MAX: usize = 10_000;

pub(super) fn routes() -> Routes {
    let comments = Routes::new()
        .route("/activities/{id}/comment", post(create_comment))
        .route(
            "/activities/{id}/comment/{comment_id}",
            delete(delete_comment).refuses(&[Code::Forbidden]),
        );
    let likes = Routes::new().route("/activities/{id}/like", post(like).delete(unlike));
    Routes::new()
        .route("/activities", post(create_activity))
        .route("/activities/{id}", get(read_activity))
        .merge(comments.behind(&comments::FLAG))
        .merge(likes.behind(&likes::FLAG))
}

/// What somebody did.
#[derive(Debug, Deserialize, JsonSchema)]
struct WriteActivity {
    // Not the struct itself, flattened: serde would lose the names of fields that are wrong.
    #[schemars(length(min = 1, max = TYPE_LENGTH_MAX), regex(pattern = TEXT), example = &"running")]
    activity_type: String,
    #[schemars(range(min = 0, max = MINUTES_MAX), example = 42)]
    duration_minutes: Option<i32>,
    #[schemars(range(min = 0.0, max = DISTANCE_KM_MAX), example = 8.5)]
    distance_km: Option<f64>,
    #[schemars(length(max = NOTES_LENGTH_MAX), example = &"Wind from the west.")]
    notes: Option<String>,
    #[schemars(extend("pattern" = YEARS_PATTERN))]
    activity_date: Option<Date>,
    #[serde(default)]
    #[schemars(length(max = CONTENT_CHARACTERS_MAX), example = &"Along the river.")]
    content: String,
    #[serde(default)]
    #[schemars(length(max = ATTACHMENTS_MAX))]
    attachments: Vec<Attachment>,
}

impl Input for WriteActivity {
    fn check(&self, wrong: &mut Wrong) {
        self.activity().check(wrong);
        wrong.unless_length("content", &self.content, 0..=CONTENT_CHARACTERS_MAX);
        check_attachments(&self.attachments, wrong);
    }
}

impl WriteActivity {
    fn activity(&self) -> Activity {
        Activity {
            activity_type: self.activity_type.clone(),
            duration_minutes: self.duration_minutes,
            distance_km: self.distance_km,
            notes: self.notes.clone(),
            activity_date: self.activity_date,
        }
    }
}

async fn create_activity(
    State(app): State<App>,
    caller: SignedIn,
    Json(input): Json<WriteActivity>,
) -> Result<Created<PostView>, Error> {
    let mut tx = app.begin().await?;
    let new = NewPost {
        author: caller.user_id,
        content: &input.content,
        attachments: &input.attachments,
        group: None,
        activity: Some(&input.activity()),
    };
    let view = posts::write(&mut tx, &new).await?;
    tx.commit().await?;
    Ok(Created(view))
}

async fn read_activity(
    State(app): State<App>,
    caller: SignedIn,
    Path(activity): Path<PostId>,
) -> Result<Answer<PostView>, Error> {
    let view = posts::read(&app.read().await?, caller.user_id, activity).await?;
    if view.activity.is_none() {
        return Err(not_found());
    }
    Ok(Answer(view))
}

async fn create_comment(
    State(app): State<App>,
    caller: SignedIn,
    Path(activity): Path<PostId>,
    Json(input): Json<WriteComment>,
) -> Result<Created<CommentView>, Error> {
    require_activity(&app.read().await?, caller.user_id, activity).await?;
    let comment = comments::write(&app, caller.user_id, activity, &input.content).await?;
    Ok(Created(comment))
}

async fn delete_comment(
    State(app): State<App>,
    caller: SignedIn,
    Path((activity, comment)): Path<(PostId, CommentId)>,
) -> Result<NoContent, Error> {
    require_activity(&app.read().await?, caller.user_id, activity).await?;
    comments::delete(&app, caller.user_id, (activity, comment)).await?;
    Ok(NoContent)
}

/// Sets it and does not toggle: there is a DELETE beside it.
async fn like(
    State(app): State<App>,
    caller: SignedIn,
    Path(activity): Path<PostId>,
) -> Result<Answer<LikeState>, Error> {
    require_activity(&app.read().await?, caller.user_id, activity).await?;
    let state = likes::change(&app, caller.user_id, activity, Wish::Like).await?;
    Ok(Answer(state))
}

async fn unlike(
    State(app): State<App>,
    caller: SignedIn,
    Path(activity): Path<PostId>,
) -> Result<Answer<LikeState>, Error> {
    require_activity(&app.read().await?, caller.user_id, activity).await?;
    let state = likes::change(&app, caller.user_id, activity, Wish::Unlike).await?;
    Ok(Answer(state))
}

/// A post is no activity; what it is does not change, so that what follows need not ask again.
async fn require_activity(db: &Connection, reader: UserId, activity: PostId) -> Result<(), Error> {
    let visible = posts::find_visible(db, reader, activity).await;
    match visible {
        Ok(visible) if visible.is_activity => Ok(()),
        Ok(_) => Err(not_found()),
        Err(error) => Err(error),
    }
}

fn not_found() -> Error {
    Error::not_found("activity")
}
