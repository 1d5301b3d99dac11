//! Following and being followed, over HTTP.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::{ids::UserId, wire::Code};

use super::{
    Pair, Status,
    change::{Wish, answer, change},
    queries::{self, Follow},
};
use crate::{
    app::{
        App,
        error::Error,
        http::{
            Path, SignedIn,
            json::{Input, Json},
            page::{Page, PageQuery},
            place::Place,
        },
        notification_type,
        openapi::{Routes, get, post, put},
    },
    users::require_visible,
};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/follow",
            post(toggle_follow).refuses(&[Code::SelfNotAllowed, Code::NotFound]),
        )
        .route("/follow/requests", get(list_requests))
        .route(
            "/follow/requests/{user_id}",
            post(answer_request).refuses(&[Code::SelfNotAllowed]),
        )
        .route(
            "/users/{id}/follow",
            put(follow_user)
                .refuses(&[Code::SelfNotAllowed])
                .delete(unfollow_user)
                .refuses(&[Code::SelfNotAllowed]),
        )
        .route("/users/{id}/followers", get(list_followers))
        .route("/users/{id}/following", get(list_following))
}

/// What the caller, or the one who asked the caller, is to the other afterwards.
#[derive(Serialize, JsonSchema)]
struct FollowAnswer {
    status: Status,
}

#[derive(Deserialize, JsonSchema)]
struct ToggleFollow {
    user_id: UserId,
}

impl Input for ToggleFollow {}

async fn toggle_follow(
    State(app): State<App>,
    caller: SignedIn,
    Json(input): Json<ToggleFollow>,
) -> Result<Answer<FollowAnswer>, Error> {
    let pair = Pair::new(caller.user_id, input.user_id)?;
    let status = change(&app, pair, Wish::Toggle).await?;
    Ok(Answer(FollowAnswer { status }))
}

async fn follow_user(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
) -> Result<Answer<FollowAnswer>, Error> {
    let pair = Pair::new(caller.user_id, user)?;
    let status = change(&app, pair, Wish::Follow).await?;
    Ok(Answer(FollowAnswer { status }))
}

async fn unfollow_user(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
) -> Result<Answer<FollowAnswer>, Error> {
    let pair = Pair::new(caller.user_id, user)?;
    let status = change(&app, pair, Wish::Unfollow).await?;
    Ok(Answer(FollowAnswer { status }))
}

#[derive(Deserialize, JsonSchema)]
struct AnswerRequest {
    action: notification_type::Answer,
}

impl Input for AnswerRequest {}

async fn answer_request(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
    Json(input): Json<AnswerRequest>,
) -> Result<Answer<FollowAnswer>, Error> {
    let pair = Pair::new(user, caller.user_id)?;
    let mut tx = app.begin().await?;
    let status = answer(&mut tx, pair, input.action).await?;
    tx.commit().await?;
    Ok(Answer(FollowAnswer { status }))
}

type FollowPage = Result<Answer<Page<Follow>>, Error>;

async fn list_requests(State(app): State<App>, caller: SignedIn, query: PageQuery) -> FollowPage {
    let (place, rows) = (Place::of(&query)?, query.rows());
    let db = app.read().await?;
    let requests = queries::list_requests(&db, caller.user_id, place, rows);
    Ok(Answer(query.page(requests.await?, Follow::place)))
}

async fn list_followers(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
    query: PageQuery,
) -> FollowPage {
    let (place, rows) = (Place::of(&query)?, query.rows());
    let db = app.read().await?;
    require_visible(&db, caller.user_id, user).await?;
    let followers = queries::list_followers(&db, (caller.user_id, user), place, rows);
    Ok(Answer(query.page(followers.await?, Follow::place)))
}

async fn list_following(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
    query: PageQuery,
) -> FollowPage {
    let (place, rows) = (Place::of(&query)?, query.rows());
    let db = app.read().await?;
    require_visible(&db, caller.user_id, user).await?;
    let followees = queries::list_following(&db, (caller.user_id, user), place, rows);
    Ok(Answer(query.page(followees.await?, Follow::place)))
}
