//! Whose session it is, and whether it stands: the one place that decides, for HTTP and for gateways.

use shared::{
    credentials::{Role, SessionCookie},
    ids::{SessionId, UserId},
    wire::Code,
};
use subtle::ConstantTimeEq;

use super::{
    App,
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
    time::Time,
};

const FIND_SESSION: &str = "
    select
        sessions.id, user_id, role, cookie_hash, expires_at,
        revoked_at is not null as is_revoked, suspended_at is not null as is_suspended
    from sessions join users on users.id = user_id
    where sessions.id = $1";

/// Every statement, for the test that prepares them.
pub const STATEMENTS: &[&str] = &[FIND_SESSION];

/// Who a standing session belongs to.
#[derive(Debug, Clone, Copy)]
pub struct SessionIdentity {
    /// The user.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// The user's role now.
    pub role: Role,
    /// When the session ends if nobody uses it.
    pub expires_at: Time,
}

struct SessionRow {
    identity: SessionIdentity,
    cookie_hash: Option<Vec<u8>>,
    is_revoked: bool,
    is_suspended: bool,
}

impl FromRow for SessionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            identity: SessionIdentity {
                user_id: row.get("user_id")?,
                session_id: row.get("id")?,
                role: row.get("role")?,
                expires_at: row.get("expires_at")?,
            },
            cookie_hash: row.get("cookie_hash")?,
            is_revoked: row.get("is_revoked")?,
            is_suspended: row.get("is_suspended")?,
        })
    }
}

/// The session's identity, if it stands.
pub async fn verify_session(app: &App, session_id: SessionId) -> Result<SessionIdentity, Error> {
    verify_session_on(&app.read().await?, session_id, app.now()).await
}

/// As [`verify_session`], for those who have a connection already.
pub async fn verify_session_on(
    connection: &Connection,
    session_id: SessionId,
    now: Time,
) -> Result<SessionIdentity, Error> {
    standing(find(connection, session_id).await?, now)
}

/// The identity of the session whose secret the cookie holds.
pub async fn verify_cookie(app: &App, value: &str) -> Result<SessionIdentity, Error> {
    let unknown = || Error::new(Code::Unauthenticated, "the session cookie is not valid");
    let cookie: SessionCookie = value.parse().map_err(|()| unknown())?;
    let session = find(&app.read().await?, cookie.session_id).await?;
    let session = session.ok_or_else(unknown)?;
    let hash = session.cookie_hash.as_deref().unwrap_or_default();
    // Before anything is said about the session: only its holder may learn that it was ended.
    if !bool::from(hash.ct_eq(&cookie.hash())) {
        return Err(unknown());
    }
    standing(Some(session), app.now())
}

async fn find(connection: &Connection, session_id: SessionId) -> Result<Option<SessionRow>, Error> {
    connection
        .query_optional(FIND_SESSION, &[&session_id.get()])
        .await
}

fn standing(session: Option<SessionRow>, now: Time) -> Result<SessionIdentity, Error> {
    match session {
        None => Err(Error::new(
            Code::Unauthenticated,
            "there is no such session",
        )),
        Some(session) if session.is_revoked => {
            Err(Error::new(Code::SessionRevoked, "the session was ended"))
        }
        Some(session) if session.identity.expires_at <= now => {
            Err(Error::new(Code::SessionRevoked, "the session has expired"))
        }
        Some(session) if session.is_suspended => Err(Error::new(
            Code::AccountSuspended,
            "the account is suspended",
        )),
        Some(session) => Ok(session.identity),
    }
}
