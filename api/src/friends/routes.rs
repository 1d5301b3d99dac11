//! Friends over HTTP.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::{ids::UserId, wire::Code};

use super::{
    Pair, Status, change,
    queries::{self, Friend, FriendRequest},
};
use crate::app::{
    App,
    error::Error,
    http::{
        Path, SignedIn,
        json::{Input, Wrong},
        page::{Page, PageQuery, Query},
        place::Place,
    },
    notification_type,
    openapi::{Routes, delete, get, post},
};

const DIRECTIONS: [&str; 2] = ["incoming", "outgoing"];

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/friends", get(list_friends))
        .route("/friends/requests", get(list_requests))
        .route(
            "/friends/request/{id}",
            post(request_friend).refuses(&[Code::SelfNotAllowed]),
        )
        .route(
            "/friends/accept/{id}",
            post(accept_friend).refuses(&[Code::SelfNotAllowed]),
        )
        .route(
            "/friends/reject/{id}",
            post(reject_friend).refuses(&[Code::SelfNotAllowed]),
        )
        .route(
            "/friends/{id}",
            delete(remove_friend).refuses(&[Code::SelfNotAllowed]),
        )
}

/// What the caller is to the other afterwards.
#[derive(Serialize, JsonSchema)]
struct FriendAnswer {
    status: Status,
}

type Answered = Result<Answer<FriendAnswer>, Error>;

async fn request_friend(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
) -> Answered {
    let pair = Pair::new(caller.user_id, user)?;
    let status = change::request(&app, pair).await?;
    Ok(Answer(FriendAnswer { status }))
}

async fn accept_friend(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
) -> Answered {
    answer_request(
        &app,
        (caller.user_id, user),
        notification_type::Answer::Accept,
    )
    .await
}

async fn reject_friend(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
) -> Answered {
    answer_request(
        &app,
        (caller.user_id, user),
        notification_type::Answer::Reject,
    )
    .await
}

async fn answer_request(
    app: &App,
    (caller, user): (UserId, UserId),
    answer: notification_type::Answer,
) -> Answered {
    let pair = Pair::new(caller, user)?;
    let mut tx = app.begin().await?;
    let status = change::answer(&mut tx, pair, answer).await?;
    tx.commit().await?;
    Ok(Answer(FriendAnswer { status }))
}

async fn remove_friend(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
) -> Answered {
    let pair = Pair::new(caller.user_id, user)?;
    let status = change::remove(&app, pair).await?;
    Ok(Answer(FriendAnswer { status }))
}

async fn list_friends(
    State(app): State<App>,
    caller: SignedIn,
    query: PageQuery,
) -> Result<Answer<Page<Friend>>, Error> {
    let (place, rows) = (Place::of(&query)?, query.rows());
    let db = app.read().await?;
    let friends = queries::list_friends(&db, caller.user_id, place, rows).await?;
    Ok(Answer(query.page(friends, Friend::place)))
}

/// Whose requests. Not given: everybody's.
#[derive(Debug, Deserialize, JsonSchema)]
struct WhichRequests {
    #[schemars(extend("enum" = DIRECTIONS))]
    direction: Option<String>,
}

impl Input for WhichRequests {
    fn check(&self, wrong: &mut Wrong) {
        let direction = self.direction.as_deref();
        if direction.is_some_and(|direction| !DIRECTIONS.contains(&direction)) {
            wrong.field(
                "direction",
                "unknown",
                "the directions are: incoming, outgoing",
            );
        }
    }
}

async fn list_requests(
    State(app): State<App>,
    caller: SignedIn,
    Query(which): Query<WhichRequests>,
    query: PageQuery,
) -> Result<Answer<Page<FriendRequest>>, Error> {
    let own = which.direction.map(|direction| direction == "outgoing");
    let part = (Place::of(&query)?, query.rows());
    let db = app.read().await?;
    let requests = queries::list_requests(&db, caller.user_id, own, part).await?;
    Ok(Answer(query.page(requests, FriendRequest::place)))
}
