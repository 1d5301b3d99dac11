//! Statements of feature flags; those that pods read the rules by are in [`app::flags`](crate::app::flags).

use serde_json::Value;
use shared::{flags::Rules, ids::UserId};

use crate::app::{
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
    time::Time,
};

/// Locks the row: changes come one after the other.
const RAISE_VERSION: &str = "update flags_version set version = version + 1 returning version";
const FIND_RULES: &str = "select rules from flags where name = $1";
const PUT_RULES: &str = "
    insert into flags (name, rules, updated_at, updated_by) values ($1, $2, $3, $4)
    on conflict (name) do update
    set rules = excluded.rules, updated_at = excluded.updated_at, updated_by = excluded.updated_by";
const LIST: &str = "select name, updated_at, updated_by from flags";

pub(super) const STATEMENTS: &[&str] = &[RAISE_VERSION, FIND_RULES, PUT_RULES, LIST];

/// When a flag was turned last, and by whom.
pub(super) struct Turned {
    pub(super) name: String,
    pub(super) at: Time,
    pub(super) by: Option<UserId>,
}

impl FromRow for Turned {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            name: row.get("name")?,
            at: row.get("updated_at")?,
            by: row.get("updated_by")?,
        })
    }
}

struct Stored(Rules);

impl FromRow for Stored {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self(row.get_json("rules")?))
    }
}

pub(super) async fn raise_version(connection: &Connection) -> Result<i64, Error> {
    connection.query_one(RAISE_VERSION, &[]).await
}

pub(super) async fn find_rules(
    connection: &Connection,
    name: &str,
) -> Result<Option<Rules>, Error> {
    let rules: Option<Stored> = connection.query_optional(FIND_RULES, &[&name]).await?;
    Ok(rules.map(|Stored(rules)| rules))
}

pub(super) async fn put_rules(
    connection: &Connection,
    (name, rules): (&str, &Value),
    by: Option<UserId>,
    now: Time,
) -> Result<(), Error> {
    connection
        .execute(PUT_RULES, &[&name, rules, &now.0, &by.map(UserId::get)])
        .await?;
    Ok(())
}

pub(super) async fn list_turned(connection: &Connection) -> Result<Vec<Turned>, Error> {
    connection.query(LIST, &[]).await
}
