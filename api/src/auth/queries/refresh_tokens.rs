//! Statements on refresh tokens.

use shared::ids::{SessionId, UserId};

use crate::app::{
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
    time::Time,
};

pub(super) const INSERT_REFRESH_TOKEN: &str = "
    insert into refresh_tokens (hash, session_id, created_at) values ($1, $2, $3)";
pub(super) const USE_REFRESH_TOKEN: &str = "
    update refresh_tokens set used_at = $2 where hash = $1 and used_at is null
    returning session_id";
pub(super) const FIND_USED_REFRESH_TOKEN: &str = "
    select session_id, user_id
    from refresh_tokens join sessions on sessions.id = session_id
    where hash = $1";
pub(super) const DELETE_USED_REFRESH_TOKENS: &str = "
    delete from refresh_tokens where used_at < $1::timestamptz - interval '30 days'";

pub(in crate::auth) async fn insert_refresh_token(
    connection: &Connection,
    hash: &[u8],
    session_id: SessionId,
    now: Time,
) -> Result<(), Error> {
    connection
        .execute(INSERT_REFRESH_TOKEN, &[&hash, &session_id.get(), &now.0])
        .await?;
    Ok(())
}

/// Uses up a token; `None` if there is none that is unused.
pub(in crate::auth) async fn use_refresh_token(
    connection: &Connection,
    hash: &[u8],
    now: Time,
) -> Result<Option<SessionId>, Error> {
    connection
        .query_optional(USE_REFRESH_TOKEN, &[&hash, &now.0])
        .await
}

/// Whose token it was.
pub(in crate::auth) struct TokenOwner {
    pub(in crate::auth) session_id: SessionId,
    pub(in crate::auth) user_id: UserId,
}

impl FromRow for TokenOwner {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            session_id: row.get("session_id")?,
            user_id: row.get("user_id")?,
        })
    }
}

pub(in crate::auth) async fn find_used_refresh_token(
    connection: &Connection,
    hash: &[u8],
) -> Result<Option<TokenOwner>, Error> {
    connection
        .query_optional(FIND_USED_REFRESH_TOKEN, &[&hash])
        .await
}
