//! Who it is.

use std::time::Duration;

use hyper::{Request, header};
use shared::{
    credentials::{Identity, Purpose, SESSION_COOKIE, TokenError, cookie_value},
    membership::AtTheDoor,
    wire::Code,
};

use super::resume::parameter;
use crate::{
    api_client::{ApiError, Verified},
    node::Node,
    refusal::Refusal,
    session::Who,
    standing,
};

/// What was shown at the door.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Nothing: a first frame will follow.
    None,
    /// An access token, a ticket or a resume token.
    Token(String),
    /// The value of the browser's cookie.
    Cookie(String),
}

/// Somebody whose credentials were checked.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) who: Who,
    /// No resume token may outlive this, in Unix seconds.
    pub(crate) resumable_until: i64,
    /// What Redis knew of them when it was found that their session stands.
    pub(crate) at_the_door: AtTheDoor,
}

/// A ticket lives 30 s; its use is remembered longer than that.
const TICKET_REMEMBERED: Duration = Duration::from_mins(1);

/// What the request shows: the header wins over the query, the query over the cookie, which browsers send unasked.
pub(super) fn claim<B>(request: &Request<B>) -> Result<Claim, Refusal> {
    let text = |name| {
        let value = request.headers().get(name);
        value.map(|value: &header::HeaderValue| value.to_str().unwrap_or_default())
    };
    if let Some(authorization) = text(header::AUTHORIZATION) {
        let Some((scheme, token)) = authorization.split_once(' ') else {
            return Err(not_bearer());
        };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(not_bearer());
        }
        return Ok(Claim::Token(token.trim().to_owned()));
    }
    if let Some(token) = parameter(request.uri().query().unwrap_or_default(), "token") {
        return Ok(Claim::Token(token.to_owned()));
    }
    let cookies = request.headers().get_all(header::COOKIE);
    let mut cookies = cookies.iter().filter_map(|value| value.to_str().ok());
    let cookie = cookies.find_map(|header| cookie_value(header, SESSION_COOKIE));
    Ok(cookie.map_or(Claim::None, |value| Claim::Cookie(value.to_owned())))
}

fn not_bearer() -> Refusal {
    Refusal::new(Code::Unauthenticated, "Authorization is \"Bearer <token>\"")
}

/// Checks what was shown. Asks Redis, and `api` where only the database knows.
pub(crate) async fn establish(node: &Node, claim: Claim) -> Result<Known, Refusal> {
    match claim {
        Claim::None => Err(Refusal::new(Code::Unauthenticated, "No credentials")),
        Claim::Cookie(value) => by_api(node, node.api.verify_cookie(&value).await).await,
        Claim::Token(token) => by_token(node, &token).await,
    }
}

async fn by_token(node: &Node, token: &str) -> Result<Known, Refusal> {
    let mut error = TokenError::Invalid;
    for purpose in [Purpose::Access, Purpose::Resume, Purpose::Ticket] {
        match node.tokens.verify(purpose, token) {
            Ok(identity) => return by_identity(node, purpose, identity).await,
            // Expired says that it was genuine and of this purpose.
            Err(TokenError::Expired) => error = TokenError::Expired,
            Err(TokenError::Invalid) => {}
        }
    }
    Err(error.into())
}

async fn by_identity(node: &Node, purpose: Purpose, identity: Identity) -> Result<Known, Refusal> {
    if purpose == Purpose::Ticket {
        return by_ticket(node, identity).await;
    }
    let owner = (identity.user_id, identity.session_id);
    let at_the_door = standing::check_at_the_door(node, owner).await?;
    let resumable_until = match purpose {
        // With every access token `api` puts the session's end off by `SESSION_LIFETIME`, which is longer than a day.
        Purpose::Access => i64::MAX,
        // One resume token does not make another that lives longer: a day after the last real credentials it is over.
        _ => identity.expires_at,
    };
    let who = Who {
        user_id: identity.user_id,
        session_id: identity.session_id,
        role: identity.role,
        expires_at: identity.expires_at,
    };
    Ok(Known {
        who,
        resumable_until,
        at_the_door,
    })
}

/// A ticket opens one connection, which then lives as long as its session.
async fn by_ticket(node: &Node, identity: Identity) -> Result<Known, Refusal> {
    let name = format!("ticket:{}", identity.nonce);
    let first = node.bus.claim(&name, TICKET_REMEMBERED).await;
    if !first.map_err(|error| standing::unavailable(&error))? {
        let detail = "The ticket was used before";
        return Err(Refusal::new(Code::Unauthenticated, detail));
    }
    by_api(node, node.api.verify_session(identity.session_id).await).await
}

/// Somebody whom `api` has vouched for. Nothing can be heard without Redis, so it is asked too: better it says no now than
/// after the upgrade.
async fn by_api(node: &Node, verified: Result<Verified, ApiError>) -> Result<Known, Refusal> {
    let identity = match verified {
        Ok(Verified::Identity(identity)) => identity,
        Ok(Verified::Refused(code)) => return Err(standing::refused(&code)),
        Err(error) => return Err(standing::unavailable(&error)),
    };
    let owner = (identity.user_id, identity.session_id);
    let at_the_door = standing::check_at_the_door(node, owner).await?;
    Ok(Known {
        who: Who {
            user_id: identity.user_id,
            session_id: identity.session_id,
            role: identity.role,
            expires_at: identity.expires_at,
        },
        resumable_until: identity.expires_at,
        at_the_door,
    })
}
