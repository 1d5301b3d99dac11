//! The life of a session: begun by a log-in, kept by refreshing, ended once.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use shared::{
    credentials::{Purpose, SessionCookie},
    ids::{SessionId, UserId},
    wire::{Channel, Code, kind},
};

use super::{account::AccountView, queries};
use crate::app::{
    App,
    db::{EventSpec, Tx},
    error::Error,
    event_type::EventType,
    identity,
};

/// What a client is given to prove itself with.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CredentialsView {
    user: AccountView,
    access_token: String,
    refresh_token: String,
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: u64,
}

/// Begins a session.
pub(super) async fn begin(
    app: &App,
    tx: &Tx,
    user: AccountView,
    device: &str,
) -> Result<(CredentialsView, SessionCookie), Error> {
    let now = app.now();
    let expires_at = now.plus(app.settings().auth.session_lifetime);
    let id = queries::insert_session(tx, user.id, device, now, expires_at).await?;
    // The cookie names the session, so it can be made only now.
    let cookie = SessionCookie::generate(id);
    queries::set_cookie_hash(tx, id, &cookie.hash()).await?;
    let credentials = credentials(app, tx, user, id).await?;
    Ok((credentials, cookie))
}

/// A refresh token for a new pair; the old one is used up. One that was used before was stolen, by this caller or from
/// them: the session ends, for both.
pub(super) async fn refresh(app: &App, token: &str) -> Result<CredentialsView, Error> {
    let now = app.now();
    let hash = token_hash(token);
    let tx = app.begin().await?;
    let Some(session_id) = queries::use_refresh_token(&tx, &hash, now).await? else {
        return Err(refuse_used(tx, &hash).await?);
    };
    let identity = identity::verify_session_on(&tx, session_id, now).await?;
    let user = queries::find_account(&tx, identity.user_id).await?;
    let expires_at = now.plus(app.settings().auth.session_lifetime);
    queries::extend_session(&tx, session_id, now, expires_at).await?;
    let credentials = credentials(app, &tx, user, session_id).await?;
    tx.commit().await?;
    Ok(credentials)
}

/// Ends the session of a token that was used before, and says what its bearer is told.
async fn refuse_used(mut tx: Tx, hash: &[u8]) -> Result<Error, Error> {
    let Some(owner) = queries::find_used_refresh_token(&tx, hash).await? else {
        let detail = "there is no such refresh token";
        return Ok(Error::new(Code::Unauthenticated, detail));
    };
    revoke(&mut tx, owner.user_id, Some(owner.session_id), None).await?;
    tx.commit().await?;
    let detail = "the refresh token was used before, so its session was ended";
    Ok(Error::new(Code::SessionRevoked, detail))
}

/// A new pair of tokens.
async fn credentials(
    app: &App,
    tx: &Tx,
    user: AccountView,
    session_id: SessionId,
) -> Result<CredentialsView, Error> {
    let refresh_token = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let hash = token_hash(&refresh_token);
    queries::insert_refresh_token(tx, &hash, session_id, app.now()).await?;
    let lifetime = app.settings().auth.access_token_lifetime;
    let bearer = (user.id, session_id, user.role);
    let (access_token, _) = app.tokens().mint(Purpose::Access, bearer, lifetime);
    Ok(CredentialsView {
        user,
        access_token,
        refresh_token,
        token_type: "Bearer",
        expires_in: lifetime.as_secs(),
    })
}

/// A plain hash is enough for 256 random bits.
fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Ends the user's sessions: all, `only` one, or all `except` one. Returns how many stood until now.
pub(super) async fn revoke(
    tx: &mut Tx,
    user_id: UserId,
    only: Option<SessionId>,
    except: Option<SessionId>,
) -> Result<usize, Error> {
    let revoked = queries::revoke_sessions(tx, user_id, only, except, tx.now()).await?;
    for session_id in &revoked {
        session_revoked(tx, user_id, *session_id)?;
    }
    Ok(revoked.len())
}

pub(super) const SESSION_REVOKED: EventType = EventType::durable::<SessionRevoked>(
    kind::SESSION_REVOKED,
    "A session was ended; its sockets close with 4004.",
);

#[derive(Serialize, JsonSchema)]
struct SessionRevoked {
    session_id: SessionId,
}

/// Gateways close the session's sockets when they hear it.
fn session_revoked(tx: &mut Tx, user_id: UserId, session_id: SessionId) -> Result<(), Error> {
    tx.control_event(&EventSpec {
        channels: &[Channel::User(user_id)],
        kind: SESSION_REVOKED,
        from: None,
        to: Some(user_id),
        group: None,
        data: &SessionRevoked { session_id },
    })
}
