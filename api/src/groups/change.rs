//! Making a group, changing it, deleting it.

use shared::ids::{GroupId, UserId};

use super::{
    events,
    group::GroupView,
    membership,
    queries::groups::{self, GroupChange, NewGroup},
    role::Role,
};
use crate::app::{App, error::Error};

/// Makes a group, whose owner is the founder.
pub(super) async fn create(
    app: &App,
    founder: UserId,
    group: &NewGroup,
) -> Result<GroupView, Error> {
    let mut tx = app.begin().await?;
    let id = groups::insert_group(&tx, group, tx.now()).await?;
    let locked = groups::lock_group(&tx, id).await?;
    membership::join(&mut tx, &locked, founder, Role::Owner).await?;
    let view = groups::find_group(&tx, founder, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Changes the profile; members hear of it.
pub(super) async fn update(
    app: &App,
    caller: UserId,
    id: GroupId,
    change: &GroupChange,
) -> Result<GroupView, Error> {
    let mut tx = app.begin().await?;
    let group = groups::lock_group(&tx, id).await?;
    membership::require_at_least(&tx, group.id, caller, Role::Admin).await?;
    groups::update_group(&tx, id, change, tx.now()).await?;
    let view = groups::find_group(&tx, caller, id).await?;
    events::group_updated(&mut tx, caller, &view)?;
    tx.commit().await?;
    Ok(view)
}

/// Deletes the group. One event tells all of its members, however many; it is the last of the group's channel.
pub(super) async fn delete(app: &App, caller: UserId, id: GroupId) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    let group = groups::lock_group(&tx, id).await?;
    membership::require_at_least(&tx, group.id, caller, Role::Owner).await?;
    groups::empty_group(&tx, id, tx.now()).await?;
    events::group_deleted(&mut tx, caller, id)?;
    tx.commit().await
}
