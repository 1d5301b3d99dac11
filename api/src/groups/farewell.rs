//! Somebody leaves everything, because the account is closed.

use shared::ids::{GroupId, UserId};

use super::{
    events, membership,
    queries::{groups, members},
    role::Role,
};
use crate::app::{db::Tx, error::Error};

/// Ends every membership. A group that the person owns goes to the admin, else the member, who has been there longest; one
/// without anybody else is deleted.
pub async fn leave_all(tx: &mut Tx, person: UserId) -> Result<(), Error> {
    // In the order of their ids, so that two who leave the same groups cannot wait for each other.
    for group in members::list_groups_of(tx, person).await? {
        leave(tx, person, group).await?;
    }
    Ok(())
}

async fn leave(tx: &mut Tx, person: UserId, id: GroupId) -> Result<(), Error> {
    let group = groups::lock_group(tx, id).await?;
    match members::find_role(tx, id, person).await? {
        // Removed meanwhile.
        None => return Ok(()),
        Some(Role::Owner) => {
            let Some(heir) = members::find_heir(tx, id).await? else {
                groups::empty_group(tx, id, tx.now()).await?;
                return events::group_deleted(tx, person, id);
            };
            // First the one, then the other: there is never more than one owner.
            members::set_role(tx, id, person, Role::Admin).await?;
            members::set_role(tx, id, heir, Role::Owner).await?;
            events::role_changed(tx, person, (id, heir), Role::Owner)?;
        }
        Some(_) => {}
    }
    membership::leave(tx, &group, person).await
}
