//! `/notifications`.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::{ids::NotificationId, wire::Code};

use super::{
    answer::{self, AnswerGiven},
    preferences::{self, ChangePreferences, Preferences},
    queries::{self, NotificationView},
    read::{self, AllRead, OneRead},
};
use crate::app::{
    App,
    error::Error,
    http::{
        Path, SignedIn,
        json::{Input, Json},
        page::{OffsetQuery, Page, PageQuery, Query},
    },
    notification_type,
    openapi::{Routes, get, post},
};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/notifications", get(list_notifications))
        .route("/notifications/read", post(mark_all_read))
        .route(
            "/notifications/preferences",
            get(find_preferences).put(change_preferences),
        )
        .route(
            "/notifications/{id}",
            post(answer_notification).refuses(&[
                Code::FeatureUnavailable,
                Code::NoAction,
                Code::NoInvitation,
                Code::NotAMember,
                Code::Forbidden,
                Code::TooManyGroups,
            ]),
        )
        .route("/notifications/{id}/read", post(mark_read))
}

#[derive(Serialize, JsonSchema)]
struct ListNotifications {
    #[serde(flatten)]
    page: Page<NotificationView>,
    unread_count: i64,
}

#[derive(Deserialize, JsonSchema)]
struct Which {
    #[serde(default)]
    filtered: bool,
}

impl Input for Which {}

/// Newest first, by `cursor` or by `offset`; with `?filtered=true` those that the caller's policy kept aside.
async fn list_notifications(
    State(app): State<App>,
    caller: SignedIn,
    Query(Which { filtered }): Query<Which>,
    page: PageQuery,
    OffsetQuery { offset, .. }: OffsetQuery,
) -> Result<Answer<ListNotifications>, Error> {
    let [before] = page.after()?.unwrap_or([i64::MAX]);
    let db = app.read().await?;
    let rows = (page.rows(), offset);
    let (rows, unread_count) = tokio::try_join!(
        queries::list_notifications(&db, (caller.user_id, filtered), before, rows),
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

#[derive(Deserialize, JsonSchema)]
struct AnswerNotification {
    action: notification_type::Answer,
}

impl Input for AnswerNotification {}

async fn answer_notification(
    State(app): State<App>,
    caller: SignedIn,
    Path(notification): Path<NotificationId>,
    Json(AnswerNotification { action }): Json<AnswerNotification>,
) -> Result<Answer<AnswerGiven>, Error> {
    let given = answer::answer(&app, caller.user_id, (notification, action)).await?;
    Ok(Answer(given))
}

async fn find_preferences(
    State(app): State<App>,
    caller: SignedIn,
) -> Result<Answer<Preferences>, Error> {
    let db = app.read().await?;
    let preferences = preferences::find(&db, app.notification_types(), caller.user_id).await?;
    Ok(Answer(preferences))
}

async fn change_preferences(
    State(app): State<App>,
    caller: SignedIn,
    Json(change): Json<ChangePreferences>,
) -> Result<Answer<Preferences>, Error> {
    let preferences = preferences::change(&app, caller.user_id, change).await?;
    Ok(Answer(preferences))
}
