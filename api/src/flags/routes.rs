//! `GET /flags`, and the admins' routes.

use std::collections::BTreeMap;

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    flags::{Flag, FlagValue, Rules},
    ids::UserId,
};

use super::{change, evaluate, queries, rules::Said};
use crate::app::{
    App,
    error::Error,
    http::{Admin, Path, SignedIn, json::Json},
    openapi::{Routes, get, put},
    time::Time,
};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/flags", get(read_flags))
        .route("/admin/flags", get(list_flags))
        .route("/admin/flags/{name}", put(turn_flag))
}

/// What is switched on for the caller.
#[derive(Debug, Serialize, JsonSchema)]
struct FlagsView {
    /// By the flags' names.
    flags: BTreeMap<&'static str, FlagValue>,
}

async fn read_flags(State(app): State<App>, caller: SignedIn) -> Result<Answer<FlagsView>, Error> {
    let db = app.read().await?;
    let flags = evaluate(&app, &db, caller.user_id).await?;
    Ok(Answer(FlagsView { flags }))
}

/// A flag as admins see it.
#[derive(Debug, Serialize, JsonSchema)]
struct FlagView {
    name: &'static str,
    /// What it opens.
    about: &'static str,
    /// Whether everybody has it where nobody has said otherwise.
    default: bool,
    /// What holds on the pod that answers: its own environment's word comes first.
    rules: Rules,
    /// When it was last turned; null where it never was.
    updated_at: Option<Time>,
    updated_by: Option<UserId>,
}

/// Every flag.
#[derive(Debug, Serialize, JsonSchema)]
struct FlagList {
    items: Vec<FlagView>,
}

async fn list_flags(State(app): State<App>, _: Admin) -> Result<Answer<FlagList>, Error> {
    let items = list(&app).await?;
    Ok(Answer(FlagList { items }))
}

async fn list(app: &App) -> Result<Vec<FlagView>, Error> {
    let db = app.read().await?;
    app.flags().read(&db).await?;
    let turned = queries::list_turned(&db).await?;
    let view = |flag: &&'static Flag| {
        let turned = turned.iter().find(|turned| turned.name == flag.name);
        FlagView {
            name: flag.name,
            about: flag.about,
            default: flag.is_on,
            rules: app.flags().book().rules(flag),
            updated_at: turned.map(|turned| turned.at),
            updated_by: turned.and_then(|turned| turned.by),
        }
    };
    Ok(app.flags().declared().iter().map(view).collect())
}

async fn turn_flag(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(name): Path<String>,
    Json(Said(rules)): Json<Said>,
) -> Result<Answer<FlagView>, Error> {
    let mut declared = app.flags().declared().iter();
    let flag = declared.find(|flag| flag.name == name);
    let flag = flag.ok_or_else(|| Error::not_found("flag"))?;
    change::turn(&app, Some(caller.user_id), flag, &rules).await?;
    let mut flags = list(&app).await?.into_iter();
    let view = flags.find(|view| view.name == flag.name);
    view.map(Answer)
        .ok_or_else(|| Error::defect("a flag that was turned is gone"))
}
