//! What gateways ask and report.

use axum::{Json as Answer, Router, extract::State, routing::post};
use serde::{Deserialize, Serialize};
use shared::{
    ids::UserId,
    presence::{ContactsAt, LastSeen, PEOPLE_PER_QUESTION_MAX},
};

use super::queries;
use crate::app::{
    App,
    error::Error,
    http::{
        Gateway,
        json::{Input, Json, Wrong},
    },
};

/// People in one report.
const REPORTED_MAX: usize = 1000;

/// `POST /internal/presence/contacts`, `POST /internal/presence/last-seen`.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/presence/contacts", post(contacts))
        .route("/presence/last-seen", post(report))
}

#[derive(Deserialize)]
struct WhoseContacts {
    user_ids: Vec<UserId>,
}

impl Input for WhoseContacts {
    fn check(&self, wrong: &mut Wrong) {
        at_most(
            wrong,
            "user_ids",
            self.user_ids.len(),
            PEOPLE_PER_QUESTION_MAX,
        );
    }
}

#[derive(Serialize)]
struct FoundContacts {
    contacts: Vec<ContactsAt>,
}

async fn contacts(
    State(app): State<App>,
    _: Gateway,
    Json(input): Json<WhoseContacts>,
) -> Result<Answer<FoundContacts>, Error> {
    let db = app.read().await?;
    let contacts = queries::contacts(&db, &input.user_ids).await?;
    Ok(Answer(FoundContacts { contacts }))
}

#[derive(Deserialize)]
struct Report {
    seen: Vec<LastSeen>,
}

impl Input for Report {
    fn check(&self, wrong: &mut Wrong) {
        at_most(wrong, "seen", self.seen.len(), REPORTED_MAX);
    }
}

#[derive(Serialize)]
struct Reported {}

async fn report(
    State(app): State<App>,
    _: Gateway,
    Json(input): Json<Report>,
) -> Result<Answer<Reported>, Error> {
    let db = app.read().await?;
    queries::report(&db, &input.seen, app.now()).await?;
    Ok(Answer(Reported {}))
}

pub(super) fn at_most(wrong: &mut Wrong, field: &'static str, count: usize, most: usize) {
    if count > most {
        wrong.field(field, "too_many", format!("at most {most}"));
    }
}
