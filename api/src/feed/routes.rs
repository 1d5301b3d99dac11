//! Feeds over HTTP.

use axum::{Json as Answer, Router, extract::State, routing::get};
use serde::Deserialize;

use super::queries;
use crate::{
    app::{
        App,
        error::Error,
        http::{
            SignedIn,
            json::{Input, Wrong},
            page::{Page, PageQuery, Query},
            place::Place,
        },
    },
    posts::PostView,
};

pub(super) fn routes() -> Router<App> {
    // Two names for one thing: `/posts` is where clients look that have just posted there.
    Router::new()
        .route("/feed", get(read_feed))
        .route("/posts", get(read_feed))
}

/// Which feed. Not given: following.
#[derive(Debug, Deserialize)]
struct WhichFeed {
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Input for WhichFeed {
    fn check(&self, wrong: &mut Wrong) {
        if self.kind.as_deref().is_some_and(|kind| kind != "following") {
            wrong.field("type", "unknown", "the feeds are: following");
        }
    }
}

async fn read_feed(
    State(app): State<App>,
    caller: SignedIn,
    Query(_): Query<WhichFeed>,
    query: PageQuery,
) -> Result<Answer<Page<PostView>>, Error> {
    let (place, rows) = (Place::of(&query)?, query.rows());
    let db = app.read().await?;
    let posts = queries::list_following(&db, caller.user_id, place, rows).await?;
    Ok(Answer(query.page(posts, PostView::place)))
}
