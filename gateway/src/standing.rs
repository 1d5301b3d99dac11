//! Whether the session behind a token still stands. Redis knows which were ended; when it has forgotten, `api` does.

use shared::{
    credentials::Standing,
    ids::{SessionId, UserId},
    membership::AtTheDoor,
    wire::Code,
};

use crate::{api_client::Verified, node::Node, refusal::Refusal};

/// Refuses when the session was ended. When Redis has lost its marks, `api` knows, and marks anew.
pub(crate) async fn check(node: &Node, session: SessionId) -> Result<(), Refusal> {
    let standing = node.revocations.standing(session).await;
    judge(
        node,
        session,
        standing.map_err(|error| unavailable(&error))?,
    )
    .await
}

/// The same for somebody who comes in, with what Redis knows of them.
pub(crate) async fn check_at_the_door(
    node: &Node,
    (user, session): (UserId, SessionId),
) -> Result<AtTheDoor, Refusal> {
    let found = node.memberships.at_the_door(user, session).await;
    let found = found.map_err(|error| unavailable(&error))?;
    node.metrics.authorised(found.memberships.is_some());
    judge(node, session, found.standing).await?;
    Ok(found)
}

/// The same for somebody who came in, and may have missed the end since. A mark is made before the end is told of.
pub(crate) async fn ask_again(node: &Node, session: SessionId) -> Standing {
    match node.revocations.standing(session).await {
        Ok(Standing::Unknown) | Err(_) => ask_api(node, session).await,
        Ok(known) => known,
    }
}

async fn ask_api(node: &Node, session: SessionId) -> Standing {
    match node.api.verify_session(session).await {
        Ok(Verified::Identity(_)) => Standing::Stands,
        Ok(Verified::Refused(_)) => Standing::Revoked,
        Err(error) => {
            tracing::warn!(%error, "whether a session still stands is not known");
            Standing::Unknown
        }
    }
}

async fn judge(node: &Node, session: SessionId, standing: Standing) -> Result<(), Refusal> {
    match standing {
        Standing::Stands => Ok(()),
        Standing::Revoked => Err(refused(Code::SessionRevoked.name())),
        Standing::Unknown => match node.api.verify_session(session).await {
            Ok(Verified::Identity(_)) => Ok(()),
            Ok(Verified::Refused(code)) => Err(refused(&code)),
            Err(error) => Err(unavailable(&error)),
        },
    }
}

/// `api` knows the session, and says no.
pub(crate) fn refused(code: &str) -> Refusal {
    let code = Code::from_name(code).unwrap_or(Code::Unauthenticated);
    Refusal::new(code, code.title())
}

/// Unknown is neither yes nor no.
pub(crate) fn unavailable(error: &dyn std::error::Error) -> Refusal {
    tracing::warn!(%error, "credentials cannot be checked");
    Refusal::new(Code::Unavailable, "The credentials cannot be checked now")
}
