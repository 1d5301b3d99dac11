//! Statements on sessions.

use shared::{
    credentials::Revocations,
    ids::{SessionId, UserId},
};

use crate::app::{
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
    time::Time,
};

pub(super) const INSERT_SESSION: &str = "
    insert into sessions (user_id, device, created_at, last_used_at, expires_at)
    values ($1, $2, $3, $3, $4)
    returning id";
pub(super) const SET_COOKIE_HASH: &str = "update sessions set cookie_hash = $2 where id = $1";
pub(super) const LIST_SESSIONS: &str = "
    select id, device, created_at, last_used_at, expires_at
    from sessions
    where user_id = $1 and revoked_at is null and expires_at > $2 and ($3::bigint is null or id < $3)
    order by id desc
    limit $4";
/// `$3` picks one session, `$4` spares one.
pub(super) const REVOKE_SESSIONS: &str = "
    update sessions set revoked_at = $2
    where user_id = $1 and revoked_at is null
      and ($3::bigint is null or id = $3) and ($4::bigint is null or id <> $4)
    returning id";
pub(super) const EXTEND_SESSION: &str = "
    update sessions set last_used_at = $2, expires_at = $3 where id = $1";
pub(super) const LIST_REVOKED_SINCE: &str = "select id from sessions where revoked_at > $1";
/// Marks of revoked sessions are made anew from these rows, so they outlive the marks.
pub(super) const DELETE_ENDED_SESSIONS: &str = "
    delete from sessions
    where expires_at < $1::timestamptz - interval '2 days'
       or revoked_at < $1::timestamptz - interval '2 days'";

pub(in crate::auth) async fn insert_session(
    connection: &Connection,
    user_id: UserId,
    device: &str,
    now: Time,
    expires_at: Time,
) -> Result<SessionId, Error> {
    connection
        .query_one(
            INSERT_SESSION,
            &[&user_id.get(), &device, &now.0, &expires_at.0],
        )
        .await
}

pub(in crate::auth) async fn set_cookie_hash(
    connection: &Connection,
    id: SessionId,
    hash: &[u8],
) -> Result<(), Error> {
    connection
        .execute(SET_COOKIE_HASH, &[&id.get(), &hash])
        .await?;
    Ok(())
}

/// A session as its owner sees it in the list.
pub(in crate::auth) struct SessionRow {
    pub(in crate::auth) id: SessionId,
    pub(in crate::auth) device: String,
    pub(in crate::auth) created_at: Time,
    pub(in crate::auth) last_used_at: Time,
    pub(in crate::auth) expires_at: Time,
}

impl FromRow for SessionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            device: row.get("device")?,
            created_at: row.get("created_at")?,
            last_used_at: row.get("last_used_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

/// Sessions that stand, newest first.
pub(in crate::auth) async fn list_sessions(
    connection: &Connection,
    user_id: UserId,
    now: Time,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<SessionRow>, Error> {
    connection
        .query(LIST_SESSIONS, &[&user_id.get(), &now.0, &before, &limit])
        .await
}

/// Ends sessions; returns those that stood until now.
pub(in crate::auth) async fn revoke_sessions(
    connection: &Connection,
    user_id: UserId,
    only: Option<SessionId>,
    except: Option<SessionId>,
    now: Time,
) -> Result<Vec<SessionId>, Error> {
    let (only, except) = (only.map(SessionId::get), except.map(SessionId::get));
    connection
        .query(REVOKE_SESSIONS, &[&user_id.get(), &now.0, &only, &except])
        .await
}

pub(in crate::auth) async fn extend_session(
    connection: &Connection,
    id: SessionId,
    now: Time,
    expires_at: Time,
) -> Result<(), Error> {
    connection
        .execute(EXTEND_SESSION, &[&id.get(), &now.0, &expires_at.0])
        .await?;
    Ok(())
}

/// Sessions whose mark a Redis without any should have.
pub(in crate::auth) async fn list_recently_revoked(
    connection: &Connection,
    now: Time,
) -> Result<Vec<SessionId>, Error> {
    let since = now.minus(Revocations::MARK_LIFETIME);
    connection.query(LIST_REVOKED_SINCE, &[&since.0]).await
}
