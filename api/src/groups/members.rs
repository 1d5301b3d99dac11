//! What is done about members.

use shared::{
    ids::{GroupId, UserId},
    wire::Code,
};

use super::{
    events,
    membership::{self, require_at_least, require_role},
    queries::{groups, members},
    role::Role,
};
use crate::app::{App, error::Error};

/// Leaves.
///
/// # Errors
///
/// `not_a_member`, or `last_owner`.
pub(super) async fn leave(app: &App, caller: UserId, id: GroupId) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    let group = groups::lock_group(&tx, id).await?;
    if require_role(&tx, id, caller).await? == Role::Owner {
        return Err(last_owner());
    }
    membership::leave(&mut tx, &group, caller).await?;
    tx.commit().await
}

/// Removes somebody of a lower role.
pub(super) async fn remove(
    app: &App,
    caller: UserId,
    id: GroupId,
    member: UserId,
) -> Result<(), Error> {
    if caller == member {
        return leave(app, caller, id).await;
    }
    let mut tx = app.begin().await?;
    let group = groups::lock_group(&tx, id).await?;
    let role = require_at_least(&tx, id, caller, Role::Admin).await?;
    let removed = members::find_role(&tx, id, member).await?;
    if removed.ok_or_else(|| Error::not_found("member"))? >= role {
        return Err(Error::forbidden(
            "only members of a lower role can be removed",
        ));
    }
    membership::leave(&mut tx, &group, member).await?;
    tx.commit().await
}

/// Gives a member a role. Whoever makes somebody else the owner is an admin afterwards.
pub(super) async fn set_role(
    app: &App,
    caller: UserId,
    id: GroupId,
    (member, role): (UserId, Role),
) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    groups::lock_group(&tx, id).await?;
    require_at_least(&tx, id, caller, Role::Owner).await?;
    let before = members::find_role(&tx, id, member).await?;
    let before = before.ok_or_else(|| Error::not_found("member"))?;
    if before == role {
        return Ok(());
    }
    if before == Role::Owner {
        return Err(last_owner());
    }
    if role == Role::Owner {
        // First the one, then the other: there is never more than one owner.
        members::set_role(&tx, id, caller, Role::Admin).await?;
        events::role_changed(&mut tx, caller, (id, caller), Role::Admin)?;
    }
    members::set_role(&tx, id, member, role).await?;
    events::role_changed(&mut tx, caller, (id, member), role)?;
    tx.commit().await
}

fn last_owner() -> Error {
    Error::new(
        Code::LastOwner,
        "make somebody else the owner first, or delete the group",
    )
}
