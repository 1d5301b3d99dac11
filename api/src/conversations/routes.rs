//! `/conversations`.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::ids::ConversationId;

use super::{
    events,
    history::{self, Span},
    list::{self, ConversationView},
    message::MessageView,
    queries,
    read::{self, MarkerView},
    readers::{self, Readers},
};
use crate::app::{
    App,
    error::Error,
    http::{
        Path, SignedIn,
        json::{Input, Json},
        page::{Page, PageQuery, Query},
    },
    openapi::{Routes, get, post},
};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/conversations", get(list_conversations))
        .route(
            "/conversations/preferences",
            get(find_preferences).put(change_preferences),
        )
        .route("/conversations/{id}", get(find_conversation))
        .route("/conversations/{id}/messages", get(list_messages))
        .route("/conversations/{id}/read", post(mark_read))
        .route("/conversations/{id}/readers", get(list_readers))
}

/// The caller's, the most recently active first.
async fn list_conversations(
    State(app): State<App>,
    caller: SignedIn,
    page: PageQuery,
) -> Result<Answer<Page<ConversationView>>, Error> {
    let [before] = page.after()?.unwrap_or([i64::MAX]);
    let db = app.read().await?;
    let rows = list::list_conversations(&db, caller.user_id, before, page.rows()).await?;
    Ok(Answer(page.page(rows, |conversation| {
        [conversation.last_message.id.get()]
    })))
}

/// One, as it stands in the list.
async fn find_conversation(
    State(app): State<App>,
    caller: SignedIn,
    Path(conversation): Path<ConversationId>,
) -> Result<Answer<ConversationView>, Error> {
    let db = app.read().await?;
    let found = list::find_conversation(&db, caller.user_id, conversation).await?;
    let found = found.ok_or_else(|| Error::not_found("conversation"))?;
    Ok(Answer(found))
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

#[derive(Deserialize, JsonSchema)]
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

/// Up to where.
#[derive(Deserialize, JsonSchema)]
struct ReadUpTo {
    seq: i64,
}

impl Input for ReadUpTo {}

async fn list_readers(
    State(app): State<App>,
    caller: SignedIn,
    Path(conversation): Path<ConversationId>,
    Query(ReadUpTo { seq }): Query<ReadUpTo>,
) -> Result<Answer<Readers>, Error> {
    let db = app.read().await?;
    let readers = readers::find_readers(&db, caller.user_id, (conversation, seq)).await?;
    Ok(Answer(readers))
}

/// What a person wants of all their conversations.
#[derive(Serialize, Deserialize, JsonSchema)]
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
    let mut tx = app.begin().await?;
    if queries::set_read_receipts(&tx, caller.user_id, preferences.read_receipts).await? {
        events::preferences_changed(&mut tx, caller.user_id, preferences.read_receipts)?;
        tx.commit().await?;
    }
    Ok(Answer(preferences))
}
