//! `/admin/users/{id}`.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::{
    connections::{Name, OpenConnection},
    credentials::Role,
    ids::UserId,
    wire::Code,
};

use super::acts;
use crate::{
    app::{
        App,
        error::Error,
        http::{
            Admin, Path,
            answer::NoContent,
            json::{Input, Json, Wrong},
            page::Query,
        },
        openapi::{Routes, get, post, put},
        time::Time,
    },
    auth::moderation,
};

pub(super) fn routes() -> Routes {
    let not_oneself = &[Code::SelfNotAllowed];
    Routes::new()
        .route("/admin/users/{id}/connections", get(list_connections))
        .route("/admin/users/{id}/disconnect", post(disconnect))
        .route(
            "/admin/users/{id}/suspend",
            post(suspend).refuses(not_oneself),
        )
        .route("/admin/users/{id}/unsuspend", post(unsuspend))
        .route("/admin/users/{id}/role", put(set_role).refuses(not_oneself))
}

/// A connection that is open now.
#[derive(Debug, Serialize, JsonSchema)]
struct ConnectionView {
    /// As `welcome` tells it.
    connection_id: String,
    /// The gateway that holds it.
    node: String,
    opened_at: Option<Time>,
}

impl From<OpenConnection> for ConnectionView {
    fn from(open: OpenConnection) -> Self {
        Self {
            connection_id: open.name.to_string(),
            node: open.node,
            opened_at: Time::from_millisecond(open.opened_at_ms),
        }
    }
}

/// Connections on all nodes, the oldest first.
#[derive(Debug, Serialize, JsonSchema)]
struct ConnectionList {
    items: Vec<ConnectionView>,
}

async fn list_connections(
    State(app): State<App>,
    _: Admin,
    Path(account): Path<UserId>,
) -> Result<Answer<ConnectionList>, Error> {
    moderation::require(&app.read().await?, account).await?;
    let open = acts::connections(&app, account).await?;
    let items = open.into_iter().map(ConnectionView::from).collect();
    Ok(Answer(ConnectionList { items }))
}

/// Which of them.
#[derive(Debug, Deserialize, JsonSchema)]
struct Which {
    /// One connection; without it, all of them.
    #[schemars(regex(pattern = r"^[0-9a-f]{16}$"))]
    connection_id: Option<String>,
}

impl Which {
    fn name(&self) -> Option<Name> {
        self.connection_id.as_ref().and_then(|id| id.parse().ok())
    }
}

impl Input for Which {
    fn check(&self, wrong: &mut Wrong) {
        if self.connection_id.is_some() && self.name().is_none() {
            wrong.field("connection_id", "invalid", "16 hexadecimal digits");
        }
    }
}

/// What was open when it was told to close.
#[derive(Debug, Serialize, JsonSchema)]
struct Disconnected {
    connections: usize,
}

async fn disconnect(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(account): Path<UserId>,
    Query(which): Query<Which>,
) -> Result<Answer<Disconnected>, Error> {
    let name = which.name();
    // Asked first: where the nodes cannot be told, nothing is done.
    let mut open = acts::connections(&app, account).await?;
    open.retain(|open| name.is_none_or(|name| open.name == name));
    let mut tx = app.begin().await?;
    moderation::require(&tx, account).await?;
    acts::disconnect(&mut tx, Some(caller.user_id), account, name).await?;
    tx.commit().await?;
    let connections = open.len();
    Ok(Answer(Disconnected { connections }))
}

async fn suspend(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(account): Path<UserId>,
) -> Result<NoContent, Error> {
    refuse_oneself(caller.user_id, account)?;
    let mut tx = app.begin().await?;
    acts::suspend(&mut tx, Some(caller.user_id), account).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn unsuspend(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(account): Path<UserId>,
) -> Result<NoContent, Error> {
    let tx = app.begin().await?;
    acts::unsuspend(&tx, Some(caller.user_id), account).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// What an account may do from now on.
#[derive(Debug, Deserialize, JsonSchema)]
struct SetRole {
    role: Role,
}

impl Input for SetRole {}

async fn set_role(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(account): Path<UserId>,
    Json(SetRole { role }): Json<SetRole>,
) -> Result<NoContent, Error> {
    refuse_oneself(caller.user_id, account)?;
    let mut tx = app.begin().await?;
    acts::set_role(&mut tx, Some(caller.user_id), account, role).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// So that there is always an admin left.
fn refuse_oneself(caller: UserId, account: UserId) -> Result<(), Error> {
    if caller == account {
        let detail = "another admin has to do it";
        return Err(Error::new(Code::SelfNotAllowed, detail));
    }
    Ok(())
}
