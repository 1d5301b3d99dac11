//! What gateways ask about sessions.

use axum::{Json as Answer, extract::State};
use serde::{Deserialize, Serialize};
use shared::{
    credentials::{Revocations, Role},
    ids::{SessionId, UserId},
};

use super::queries;
use crate::app::{
    App,
    error::Error,
    http::{
        Gateway,
        json::{Input, Json, Wrong},
    },
    identity::{self, SessionIdentity},
};

#[derive(Deserialize)]
pub(super) struct VerifySession {
    session_id: Option<SessionId>,
    cookie: Option<String>,
}

impl Input for VerifySession {
    fn check(&self, wrong: &mut Wrong) {
        if self.session_id.is_some() == self.cookie.is_some() {
            wrong.field("session_id", "required", "either session_id or cookie");
        }
    }
}

/// Answered with 200 also when the session is refused: only a store that is away is an error.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Identity(IdentityView),
    Refused(&'static str),
}

#[derive(Serialize)]
pub(super) struct IdentityView {
    user_id: UserId,
    session_id: SessionId,
    role: Role,
    /// Unix seconds.
    expires_at: i64,
}

impl From<SessionIdentity> for IdentityView {
    fn from(identity: SessionIdentity) -> Self {
        Self {
            user_id: identity.user_id,
            session_id: identity.session_id,
            role: identity.role,
            expires_at: identity.expires_at.0.as_second(),
        }
    }
}

pub(super) async fn verify_session(
    State(app): State<App>,
    _: Gateway,
    Json(input): Json<VerifySession>,
) -> Result<Answer<Verdict>, Error> {
    let verified = match (input.session_id, input.cookie) {
        (Some(session_id), _) => {
            // Whoever asks by id found no marks in Redis.
            if let Err(error) = restore_marks(&app).await {
                tracing::warn!(%error, "marks of ended sessions not restored");
            }
            identity::verify_session(&app, session_id).await
        }
        (None, Some(cookie)) => identity::verify_cookie(&app, &cookie).await,
        (None, None) => return Err(Error::defect("the input was checked")),
    };
    match verified {
        Ok(identity) => Ok(Answer(Verdict::Identity(identity.into()))),
        Err(error) if error.code().status() < 500 => {
            Ok(Answer(Verdict::Refused(error.code().name())))
        }
        Err(error) => Err(error),
    }
}

/// Makes the marks of a Redis that has lost them complete again.
async fn restore_marks(app: &App) -> Result<(), Error> {
    let revoked = queries::list_recently_revoked(&app.read().await?, app.now()).await?;
    let revocations = Revocations::new(app.bus().clone());
    Ok(revocations.restore(&revoked).await?)
}
