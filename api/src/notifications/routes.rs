//! `/notifications`.

use axum::{
    Json as Answer, Router,
    extract::State,
    routing::{get, post},
};
use serde::Serialize;
use shared::ids::NotificationId;

use super::{
    queries::{self, NotificationView},
    read::{self, AllRead, OneRead},
};
use crate::app::{
    App,
    error::Error,
    http::{
        Path, SignedIn,
        page::{OffsetQuery, Page, PageQuery},
    },
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/notifications", get(list_notifications))
        .route("/notifications/read", post(mark_all_read))
        .route("/notifications/{id}/read", post(mark_read))
}

#[derive(Serialize)]
struct ListNotifications {
    #[serde(flatten)]
    page: Page<NotificationView>,
    unread_count: i64,
}

/// Newest first, by `cursor` or by `offset`.
async fn list_notifications(
    State(app): State<App>,
    caller: SignedIn,
    page: PageQuery,
    OffsetQuery { offset, .. }: OffsetQuery,
) -> Result<Answer<ListNotifications>, Error> {
    let [before] = page.after()?.unwrap_or([i64::MAX]);
    let db = app.read().await?;
    let rows = (page.rows(), offset);
    let (rows, unread_count) = tokio::try_join!(
        queries::list_notifications(&db, caller.user_id, before, rows),
        queries::count_unread(&db, caller.user_id),
    )?;
    Ok(Answer(ListNotifications {
        page: page.page(rows, |notification| [notification.id.get()]),
        unread_count,
    }))
}

async fn mark_read(
    State(app): State<App>,
    caller: SignedIn,
    Path(notification): Path<NotificationId>,
) -> Result<Answer<OneRead>, Error> {
    let read = read::mark_read(&app, caller.user_id, notification).await?;
    Ok(Answer(read))
}

async fn mark_all_read(State(app): State<App>, caller: SignedIn) -> Result<Answer<AllRead>, Error> {
    let read = read::mark_all_read(&app, caller.user_id).await?;
    Ok(Answer(read))
}
