//! What people are told about groups.

use serde_json::json;
use shared::ids::{GroupId, UserId};

use super::{invitations, queries::groups::LockedGroup};
use crate::{
    app::{db::Tx, error::Error, notification_type::NotificationType},
    notifications::{NewNotification, notify, settle, settle_for_everybody},
    users::Person,
};

/// What this feature tells people of.
pub(super) static TYPES: &[&NotificationType] = &[&GROUP_INVITE, &GROUP_JOIN_REQUEST];

static GROUP_INVITE: NotificationType = NotificationType::new("group_invite", "Group invitation")
    .answered_by(|tx, answered| Box::pin(invitations::answer_notification(tx, answered)));

static GROUP_JOIN_REQUEST: NotificationType =
    NotificationType::new("group_join_request", "Request to join").answered_by(|tx, answered| {
        Box::pin(invitations::answer_request_notification(tx, answered))
    });

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
        kind: &GROUP_INVITE,
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
        kind: &GROUP_JOIN_REQUEST,
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
    settle_for_everybody(tx, asker, &GROUP_JOIN_REQUEST.name, group.get()).await
}

/// The invitation is answered, or was withdrawn.
pub(super) async fn settle_invite(
    tx: &mut Tx,
    group: GroupId,
    invited: UserId,
) -> Result<(), Error> {
    settle(tx, invited, &GROUP_INVITE.name, group.get()).await
}
