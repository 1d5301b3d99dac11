//! `/sync`.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;
use shared::wire::Code;

use super::{
    cursor::Cursor,
    page::{self, SyncPage},
};
use crate::app::{
    App,
    error::Error,
    http::{
        SignedIn,
        json::Input,
        page::{PageQuery, Query, decode},
    },
    openapi::{Routes, get},
};

pub(super) fn routes() -> Routes {
    Routes::new().route("/sync", get(sync))
}

#[derive(Deserialize, JsonSchema)]
struct Since {
    since: Option<String>,
}

impl Input for Since {}

/// What the caller missed since a cursor; without one, nothing, and a cursor.
async fn sync(
    State(app): State<App>,
    caller: SignedIn,
    Query(Since { since }): Query<Since>,
    query: PageQuery,
) -> Result<Answer<SyncPage>, Error> {
    let cursor = since.as_deref().map(|since| {
        decode::<Cursor>(since).ok_or_else(|| {
            let detail = "this is not a cursor that /sync or /bootstrap gave out";
            Error::new(Code::InvalidRequest, detail)
        })
    });
    let page = page::page(&app, caller.user_id, cursor.transpose()?, query.limit()).await?;
    Ok(Answer(page))
}
