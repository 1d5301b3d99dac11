//! Whether the session behind a token still stands. Redis knows which were ended; when it has forgotten, `api` does.

use shared::{
    credentials::Standing,
    ids::{SessionId, UserId},
    membership::MembershipsAt,
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

/// The same for somebody who comes in, with the groups they are in as far as Redis knows.
pub(crate) async fn check_at_the_door(
    node: &Node,
    (user, session): (UserId, SessionId),
) -> Result<Option<MembershipsAt>, Refusal> {
    let found = node.memberships.at_the_door(user, session).await;
    let (standing, memberships) = found.map_err(|error| unavailable(&error))?;
    judge(node, session, standing).await?;
    Ok(memberships)
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
