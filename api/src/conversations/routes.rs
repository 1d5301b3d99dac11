//! `/conversations`.

use axum::{
    Json as Answer, Router,
    extract::State,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use shared::ids::ConversationId;

use super::{
    history::{self, Span},
    message::MessageView,
    queries::{self, ConversationView},
    read::{self, MarkerView},
};
use crate::app::{
    App,
    error::Error,
    http::{
        Path, SignedIn,
        json::{Input, Json},
        page::{Page, PageQuery, Query},
    },
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/conversations", get(list_conversations))
        .route(
            "/conversations/preferences",
            get(find_preferences).put(change_preferences),
        )
        .route("/conversations/{id}/messages", get(list_messages))
        .route("/conversations/{id}/read", post(mark_read))
}

/// The caller's, the most recently active first.
async fn list_conversations(
    State(app): State<App>,
    caller: SignedIn,
    page: PageQuery,
) -> Result<Answer<Page<ConversationView>>, Error> {
    let [before] = page.after()?.unwrap_or([i64::MAX]);
    let db = app.read().await?;
    let rows = queries::list_conversations(&db, caller.user_id, before, page.rows()).await?;
    Ok(Answer(page.page(rows, |conversation| {
        [conversation.last_message.id.get()]
    })))
}

async fn list_messages(
    State(app): State<App>,
    caller: SignedIn,
    Path(conversation): Path<ConversationId>,
    Query(span): Query<Span>,
    page: PageQuery,
) -> Result<Answer<Page<MessageView>>, Error> {
    let db = app.read().await?;
    let page = history::list_messages(&db, caller.user_id, conversation, &span, &page).await?;
    Ok(Answer(page))
}

#[derive(Deserialize)]
struct MarkRead {
    seq: i64,
}

impl Input for MarkRead {}

async fn mark_read(
    State(app): State<App>,
    caller: SignedIn,
    Path(conversation): Path<ConversationId>,
    Json(MarkRead { seq }): Json<MarkRead>,
) -> Result<Answer<MarkerView>, Error> {
    let marker = read::mark_read(&app, caller.user_id, conversation, seq).await?;
    Ok(Answer(marker))
}

/// What a person wants of all their conversations.
#[derive(Serialize, Deserialize)]
struct Preferences {
    /// Off: nobody sees how far the person has read, and the person sees it of nobody.
    read_receipts: bool,
}

impl Input for Preferences {}

async fn find_preferences(
    State(app): State<App>,
    caller: SignedIn,
) -> Result<Answer<Preferences>, Error> {
    let db = app.read().await?;
    let read_receipts = queries::find_read_receipts(&db, caller.user_id).await?;
    Ok(Answer(Preferences { read_receipts }))
}

async fn change_preferences(
    State(app): State<App>,
    caller: SignedIn,
    Json(preferences): Json<Preferences>,
) -> Result<Answer<Preferences>, Error> {
    let tx = app.begin().await?;
    queries::set_read_receipts(&tx, caller.user_id, preferences.read_receipts).await?;
    tx.commit().await?;
    Ok(Answer(preferences))
}
