//! Statements on keys of service accounts.

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    credentials::Role,
    ids::{ServiceKeyId, UserId},
};

use crate::app::{
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
    service_keys::{NewKey, Scope},
    time::Time,
};

const FIND_ROLE: &str = "select role from users where id = $1 and deleted_at is null for share";
const INSERT: &str = "
    insert into service_keys (user_id, name, prefix, hash, scopes, created_at, created_by)
    values ($1, $2, $3, $4, $5, $6, $7)
    returning id, user_id, name, prefix, scopes, created_at, created_by, rotated_at, former_until, revoked_at";
const LIST: &str = "
    select id, user_id, name, prefix, scopes, created_at, created_by, rotated_at, former_until, revoked_at
    from service_keys
    where $1::bigint is null or id < $1
    order by id desc
    limit $2";
const LOCK_PREFIX: &str = "
    select prefix from service_keys where id = $1 and revoked_at is null for update";
const ROTATE: &str = "
    update service_keys set former_hash = hash, former_until = $3, hash = $2, rotated_at = $4
    where id = $1
    returning id, user_id, name, prefix, scopes, created_at, created_by, rotated_at, former_until, revoked_at";
const REVOKE: &str = "
    update service_keys set revoked_at = $2 where id = $1 and revoked_at is null";

pub(super) const STATEMENTS: &[&str] = &[FIND_ROLE, INSERT, LIST, LOCK_PREFIX, ROTATE, REVOKE];

/// A key as admins see it: everything but the secret.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeyView {
    /// The key's number.
    pub id: ServiceKeyId,
    /// The service account.
    user_id: UserId,
    name: String,
    /// The key begins with `hbk_`, this, and `_`.
    prefix: String,
    scopes: Vec<Scope>,
    created_at: Time,
    /// Null for an operator at a terminal, and where the account is gone.
    created_by: Option<UserId>,
    rotated_at: Option<Time>,
    /// Until when the secret before the last rotation holds too.
    former_until: Option<Time>,
    revoked_at: Option<Time>,
}

impl FromRow for KeyView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            user_id: row.get("user_id")?,
            name: row.get("name")?,
            prefix: row.get("prefix")?,
            scopes: row.get("scopes")?,
            created_at: row.get("created_at")?,
            created_by: row.get("created_by")?,
            rotated_at: row.get("rotated_at")?,
            former_until: row.get("former_until")?,
            revoked_at: row.get("revoked_at")?,
        })
    }
}

/// The role of an account, which does not change before the transaction's end.
pub(super) async fn find_role(
    connection: &Connection,
    account: UserId,
) -> Result<Option<Role>, Error> {
    connection
        .query_optional(FIND_ROLE, &[&account.get()])
        .await
}

pub(super) async fn insert(
    connection: &Connection,
    (account, name, scopes): (UserId, &str, &[Scope]),
    key: &NewKey,
    (now, by): (Time, Option<UserId>),
) -> Result<KeyView, Error> {
    let scopes: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
    connection
        .query_one(
            INSERT,
            &[
                &account.get(),
                &name,
                &key.prefix,
                &&key.hash[..],
                &scopes,
                &now.0,
                &by.map(UserId::get),
            ],
        )
        .await
}

/// The newest first.
pub(super) async fn list(
    connection: &Connection,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<KeyView>, Error> {
    connection.query(LIST, &[&before, &limit]).await
}

/// The prefix of a key that was not revoked, which nobody else changes before the transaction's end.
pub(super) async fn lock_prefix(
    connection: &Connection,
    key: ServiceKeyId,
) -> Result<Option<String>, Error> {
    connection.query_optional(LOCK_PREFIX, &[&key.get()]).await
}

/// The secret that was there so far holds until `former_until`.
pub(super) async fn rotate(
    connection: &Connection,
    key: ServiceKeyId,
    hash: &[u8],
    (former_until, now): (Time, Time),
) -> Result<KeyView, Error> {
    connection
        .query_one(ROTATE, &[&key.get(), &hash, &former_until.0, &now.0])
        .await
}

/// False where there is no such key, or not any more.
pub(super) async fn revoke(
    connection: &Connection,
    key: ServiceKeyId,
    now: Time,
) -> Result<bool, Error> {
    Ok(connection.execute(REVOKE, &[&key.get(), &now.0]).await? == 1)
}
