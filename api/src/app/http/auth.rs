//! Who calls. The type of a handler's argument is its policy; a handler that takes none of these is a mistake.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use shared::{
    credentials::{Identity, Purpose, Role, SESSION_COOKIE, TokenError, cookie_value},
    ids::{SessionId, UserId},
    wire::Code,
};

use crate::app::{
    App,
    error::Error,
    identity,
    service_keys::{self, KeyHolder, Scope},
};

/// Somebody with a session that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    /// The user.
    pub user_id: UserId,
    /// The log-in that the credentials come from.
    pub session_id: SessionId,
    /// What the user may do.
    pub role: Role,
}

/// An operator.
#[derive(Debug, Clone, Copy)]
pub struct Admin(pub SignedIn);

/// Another back end of the team: a service account, by a key or by a session of its own.
#[derive(Debug, Clone)]
pub struct Service {
    /// The account in whose name it acts.
    pub account: UserId,
    /// What the key may do; a session may do everything.
    scopes: Option<Vec<Scope>>,
}

impl Service {
    /// Refuses what the key was not made for.
    pub fn require(&self, scope: Scope) -> Result<(), Error> {
        match &self.scopes {
            Some(scopes) if !scopes.contains(&scope) => {
                let name = scope.name();
                Err(Error::forbidden(format!("the key has no scope {name}")))
            }
            _ => Ok(()),
        }
    }
}

/// Whoever shows credentials that hold, of whatever kind.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    Session(SignedIn),
    Key(KeyHolder),
}

impl Caller {
    pub(super) fn user_id(&self) -> UserId {
        match self {
            Self::Session(caller) => caller.user_id,
            Self::Key(holder) => holder.account,
        }
    }
}

/// Anybody: says that a route is open on purpose.
#[derive(Debug, Clone, Copy)]
pub struct Visitor;

/// One of our own gateways.
#[derive(Debug, Clone, Copy)]
pub struct Gateway;

/// What became of looking at a request's credentials, for whoever asks next.
#[derive(Clone)]
struct Checked(Result<SignedIn, Error>);

/// A genuine token of the request, for whoever asks next: what makes sure of it is no small part of a request.
#[derive(Clone, Copy)]
struct Genuine(Identity);

/// As [`Checked`], for keys.
#[derive(Clone)]
struct CheckedKey(Result<KeyHolder, Error>);

impl FromRequestParts<App> for SignedIn {
    type Rejection = Error;

    /// Looked at once for a request, by the layer or the handler that asks first.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        if let Some(Checked(checked)) = parts.extensions.get() {
            return checked.clone();
        }
        let checked = Self::check(parts, app).await;
        if let Ok(caller) = &checked {
            caller.sign_lines();
        }
        parts.extensions.insert(Checked(checked.clone()));
        checked
    }
}

impl SignedIn {
    /// Whose token comes with the request, if it is genuine and has not expired. Whether its session still stands is not
    /// known here: for limits, which cost nobody but its holder.
    pub(super) fn claimed(parts: &mut Parts, app: &App) -> Option<UserId> {
        let token = bearer(parts).ok()??;
        let identity = app.tokens().verify(Purpose::Access, token).ok()?;
        parts.extensions.insert(Genuine(identity));
        Some(identity.user_id)
    }

    /// Lines of the log about this request tell whose it is.
    pub(in crate::app) fn sign_lines(&self) {
        tracing::Span::current().record("user_id", self.user_id.get());
    }

    /// By the token if there is one, else by the cookie. The token says who; the database says whether the session still
    /// stands, so that a revoked one ends at once here even while Redis is away.
    async fn check(parts: &Parts, app: &App) -> Result<Self, Error> {
        let identity = if let Some(Genuine(token)) = parts.extensions.get() {
            identity::verify_session(app, token.session_id).await?
        } else if let Some(token) = bearer(parts)? {
            let token = app.tokens().verify(Purpose::Access, token);
            let token = token.map_err(refusal)?;
            identity::verify_session(app, token.session_id).await?
        } else if let Some(cookie) = session_cookie(parts) {
            identity::verify_cookie(app, cookie).await?
        } else {
            return Err(Error::new(
                Code::Unauthenticated,
                "send a bearer token or the session cookie",
            ));
        };
        Ok(Self {
            user_id: identity.user_id,
            session_id: identity.session_id,
            role: identity.role,
        })
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let caller = SignedIn::from_request_parts(parts, app).await?;
        match caller.role {
            Role::Admin => Ok(Self(caller)),
            Role::User | Role::Service => Err(Error::forbidden("for admins only")),
        }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        if let Some(CheckedKey(checked)) = parts.extensions.get() {
            return checked.clone().map(Self::Key);
        }
        let key = bearer(parts).ok().flatten();
        let Some(key) = key.filter(|token| service_keys::is_key(token)) else {
            let caller = SignedIn::from_request_parts(parts, app).await?;
            return Ok(Self::Session(caller));
        };
        let checked = service_keys::verify(&app.read().await?, key, app.now()).await;
        parts.extensions.insert(CheckedKey(checked.clone()));
        checked.map(Self::Key)
    }
}

impl FromRequestParts<App> for Service {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        match Caller::from_request_parts(parts, app).await? {
            Caller::Key(holder) => Ok(Self {
                account: holder.account,
                scopes: Some(holder.scopes),
            }),
            Caller::Session(caller) if caller.role == Role::Service => Ok(Self {
                account: caller.user_id,
                scopes: None,
            }),
            Caller::Session(_) => Err(Error::forbidden("for service accounts only")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Error> {
        Ok(Self)
    }
}

impl FromRequestParts<App> for Gateway {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        // The network keeps strangers from these routes; the token keeps them from strangers on the network.
        let token =
            bearer(parts)?.ok_or_else(|| Error::new(Code::Unauthenticated, "for gateways only"))?;
        let token = app.tokens().verify(Purpose::Internal, token);
        token.map_err(refusal)?;
        Ok(Self)
    }
}

fn bearer(parts: &Parts) -> Result<Option<&str>, Error> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let token = value.to_str().ok().and_then(|value| value.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(Error::new(
            Code::Unauthenticated,
            "Authorization: Bearer <token>",
        )),
    }
}

fn session_cookie(parts: &Parts) -> Option<&str> {
    let headers = parts.headers.get_all(header::COOKIE).iter();
    headers
        .filter_map(|value| value.to_str().ok())
        .find_map(|value| cookie_value(value, SESSION_COOKIE))
}

fn refusal(error: TokenError) -> Error {
    let code = match error {
        TokenError::Expired => Code::TokenExpired,
        TokenError::Invalid => Code::Unauthenticated,
    };
    Error::new(code, error.to_string())
}
