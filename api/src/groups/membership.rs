//! The two changes of a membership, whoever wants them and why. Both need the lock on the group.

use shared::{
    ids::{GroupId, UserId},
    membership::{Change, GROUPS_MAX, MembershipChanged},
    wire::Code,
};

use super::{
    chat,
    events::{self, MembershipNews},
    notifications,
    queries::{groups::LockedGroup, members},
    role::Role,
};
use crate::{
    app::{
        db::{Connection, Tx},
        error::Error,
    },
    users,
};

/// Makes somebody a member who is none.
///
/// # Errors
///
/// `too_many_groups`.
pub(super) async fn join(
    tx: &mut Tx,
    group: &LockedGroup,
    user: UserId,
    role: Role,
) -> Result<(), Error> {
    // Counted first: it holds back other changes of this person's memberships.
    let version = members::count_up_version(tx, user).await?;
    if members::count_groups(tx, user).await? >= i64::try_from(GROUPS_MAX).unwrap_or(i64::MAX) {
        let detail = format!("nobody can be in more than {GROUPS_MAX} groups");
        return Err(Error::new(Code::TooManyGroups, detail));
    }
    let count = members::add_member(tx, group.id, user, role, tx.now()).await?;
    notifications::settle_invite(tx, group.id, user).await?;
    notifications::settle_join_request(tx, group.id, user).await?;
    tell(tx, group.id, user, (version, count), Some(role)).await
}

/// Ends the membership of somebody who is a member and not the owner.
pub(super) async fn leave(tx: &mut Tx, group: &LockedGroup, user: UserId) -> Result<(), Error> {
    let version = members::count_up_version(tx, user).await?;
    let count = members::remove_member(tx, group.id, user).await?;
    tell(tx, group.id, user, (version, count), None).await
}

async fn tell(
    tx: &mut Tx,
    group_id: GroupId,
    user_id: UserId,
    (version, member_count): (i64, i64),
    role: Option<Role>,
) -> Result<(), Error> {
    let user = users::find_person(tx, user_id).await?;
    let since = members::find_head(tx, group_id).await?;
    let change = MembershipChanged {
        group_id,
        user_id,
        change: role.map_or(Change::Left, |_| Change::Joined),
        version,
        since,
    };
    let news = MembershipNews {
        change,
        user,
        role,
        member_count,
    };
    events::membership_changed(tx, &news)
}

/// What a member is.
///
/// # Errors
///
/// `not_a_member`.
pub(super) async fn require_role(
    db: &Connection,
    group: GroupId,
    user: UserId,
) -> Result<Role, Error> {
    let role = members::find_role(db, group, user).await?;
    role.ok_or_else(chat::not_a_member)
}

/// Refuses whoever is less than `least`.
///
/// # Errors
///
/// `not_a_member`, or `forbidden`.
pub(super) async fn require_at_least(
    db: &Connection,
    group: GroupId,
    user: UserId,
    least: Role,
) -> Result<Role, Error> {
    let role = require_role(db, group, user).await?;
    if role >= least {
        Ok(role)
    } else {
        let who = if least == Role::Owner {
            "the owner"
        } else {
            "the owner and the admins"
        };
        Err(Error::forbidden(format!(
            "only {who} of the group may do this"
        )))
    }
}
