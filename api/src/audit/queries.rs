//! Statements of the audit log.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use shared::ids::UserId;

use super::Act;
use crate::app::{
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
    time::Time,
};

const INSERT: &str = "
    insert into audit (at, actor_id, act, subject, detail) values ($1, $2, $3, $4, $5)";
const LIST: &str = "
    select id, at, actor_id, act, subject, detail from audit
    where $1::bigint is null or id < $1
    order by id desc
    limit $2";

pub(super) const STATEMENTS: &[&str] = &[INSERT, LIST];

/// What an admin did.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ActView {
    pub(super) id: i64,
    at: Time,
    /// Null for an operator at a terminal, and where the account is gone.
    actor_id: Option<UserId>,
    act: String,
    subject: String,
    detail: Value,
}

impl FromRow for ActView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            at: row.get("at")?,
            actor_id: row.get("actor_id")?,
            act: row.get("act")?,
            subject: row.get("subject")?,
            detail: row.get("detail")?,
        })
    }
}

pub(super) async fn insert(connection: &Connection, act: &Act, now: Time) -> Result<(), Error> {
    let actor = act.actor.map(UserId::get);
    connection
        .execute(
            INSERT,
            &[&now.0, &actor, &act.act, &act.subject, &act.detail],
        )
        .await?;
    Ok(())
}

/// The newest first.
pub(super) async fn list(
    connection: &Connection,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<ActView>, Error> {
    connection.query(LIST, &[&before, &limit]).await
}
