//! Feeds over HTTP.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;
use shared::ids::GroupId;

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
        openapi::{Routes, get},
    },
    posts::{self, PostView},
};

pub(super) fn routes() -> Routes {
    // Two names for one thing: `/posts` is where clients look that have just posted there.
    Routes::new()
        .route("/feed", get(read_feed))
        .route("/posts", get(read_feed))
}

/// Which feed. Not given: following.
#[derive(Debug, Deserialize, JsonSchema)]
struct WhichFeed {
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["following", "public", "group"]))]
    kind: Option<String>,
    #[schemars(with = "Option<GroupId>")]
    group_id: Option<String>,
}

impl WhichFeed {
    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("following")
    }

    fn group(&self) -> Option<GroupId> {
        self.group_id.as_deref()?.parse().ok()
    }
}

impl Input for WhichFeed {
    fn check(&self, wrong: &mut Wrong) {
        if self.group_id.is_some() && self.group().is_none() {
            wrong.field("group_id", "wrong_type", "an id");
        }
        match self.kind() {
            "following" | "public" => {}
            "group" if self.group_id.is_some() => {}
            "group" => wrong.field("group_id", "required", "a group's feed needs its group"),
            _ => wrong.field("type", "unknown", "the feeds are: following, public, group"),
        }
    }
}

async fn read_feed(
    State(app): State<App>,
    caller: SignedIn,
    Query(which): Query<WhichFeed>,
    query: PageQuery,
) -> Result<Answer<Page<PostView>>, Error> {
    let (place, rows) = (Place::of(&query)?, query.rows());
    let db = app.read().await?;
    let reader = caller.user_id;
    let posts = match (which.kind(), which.group()) {
        ("group", Some(group)) => posts::list_posts_in(&db, reader, group, place, rows).await?,
        ("public", _) => queries::list_public(&db, reader, place, rows).await?,
        _ => queries::list_following(&db, reader, place, rows).await?,
    };
    Ok(Answer(query.page(posts, PostView::place)))
}
