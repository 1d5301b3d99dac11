//! What people are told about groups.

use serde_json::json;
use shared::ids::{GroupId, UserId};

use super::queries::groups::LockedGroup;
use crate::{
    app::{db::Tx, error::Error},
    notifications::{NewNotification, notify, settle, settle_for_everybody},
    users::Person,
};

/// Somebody is invited. `POST /groups/{id}/invitation` answers it.
pub(super) async fn group_invite(
    tx: &mut Tx,
    group: &LockedGroup,
    inviter: &Person,
    invited: UserId,
) -> Result<(), Error> {
    let notification = NewNotification {
        to: invited,
        actor: inviter.id,
        kind: "group_invite",
        title: "Group invitation",
        message: format!("{} invites you to {}", inviter.display_name(), group.name),
        related_id: Some(group.id.get()),
        data: json!({
            "group_id": group.id, "group_name": group.name,
            "request_id": group.id, "actions": ["accept", "reject"],
        }),
    };
    notify(tx, notification).await
}

/// Somebody asks to join. `POST /groups/{id}/requests/{user_id}` answers it.
pub(super) async fn group_join_request(
    tx: &mut Tx,
    group: &LockedGroup,
    asker: &Person,
    admin: UserId,
) -> Result<(), Error> {
    let notification = NewNotification {
        to: admin,
        actor: asker.id,
        kind: "group_join_request",
        title: "Request to join",
        message: format!("{} wants to join {}", asker.display_name(), group.name),
        related_id: Some(group.id.get()),
        data: json!({
            "group_id": group.id, "group_name": group.name,
            "request_id": asker.id, "actions": ["accept", "reject"],
        }),
    };
    notify(tx, notification).await
}

/// Nobody has to answer this person's request any more.
pub(super) async fn settle_join_request(
    tx: &mut Tx,
    group: GroupId,
    asker: UserId,
) -> Result<(), Error> {
    settle_for_everybody(tx, asker, "group_join_request", group.get()).await
}

/// The invitation is answered, or was withdrawn.
pub(super) async fn settle_invite(
    tx: &mut Tx,
    group: GroupId,
    invited: UserId,
) -> Result<(), Error> {
    settle(tx, invited, "group_invite", group.get()).await
}
