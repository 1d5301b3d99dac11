//! Ways in: invitations, and requests to join.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::{
    ids::{GroupId, UserId},
    wire::Code,
};

use super::{
    events,
    membership::{self, require_at_least},
    notifications,
    queries::{
        groups::{self, LockedGroup},
        invitations, members,
    },
    role::Role,
};
use crate::{
    app::{
        App,
        db::Tx,
        error::Error,
        notification_type::{Answer, Answered},
    },
    users,
};

/// What somebody is to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// A member.
    Joined,
    /// Has an invitation to answer.
    Invited,
    /// Has asked.
    Requested,
    /// Nothing.
    None,
}

/// Invites somebody. Whoever has asked to join is a member at once.
pub(super) async fn invite(
    app: &App,
    caller: UserId,
    id: GroupId,
    invited: UserId,
) -> Result<Status, Error> {
    let mut tx = app.begin().await?;
    let group = groups::lock_group(&tx, id).await?;
    require_at_least(&tx, id, caller, Role::Admin).await?;
    users::require_known(&tx, caller, invited).await?;
    if members::find_role(&tx, id, invited).await?.is_some() {
        return Err(Error::new(
            Code::Conflict,
            "this person is a member already",
        ));
    }
    if invitations::delete_request(&tx, id, invited).await? {
        membership::join(&mut tx, &group, invited, Role::Member).await?;
        tx.commit().await?;
        return Ok(Status::Joined);
    }
    if invitations::insert_invitation(&tx, id, (invited, caller), tx.now()).await? {
        let inviter = users::find_person(&tx, caller).await?;
        events::group_invite(&mut tx, &group, &inviter, invited)?;
        notifications::group_invite(&mut tx, &group, &inviter, invited).await?;
        tx.commit().await?;
    }
    Ok(Status::Invited)
}

/// Takes an invitation back.
pub(super) async fn withdraw(
    app: &App,
    caller: UserId,
    id: GroupId,
    invited: UserId,
) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    groups::lock_group(&tx, id).await?;
    require_at_least(&tx, id, caller, Role::Admin).await?;
    if !invitations::delete_invitation(&tx, id, invited).await? {
        return Err(no_invitation());
    }
    notifications::settle_invite(&mut tx, id, invited).await?;
    tx.commit().await
}

/// Accepts or declines one's invitation.
pub(super) async fn answer(
    app: &App,
    caller: UserId,
    id: GroupId,
    answer: Answer,
) -> Result<Status, Error> {
    let mut tx = app.begin().await?;
    let status = answer_in(&mut tx, caller, id, answer).await?;
    tx.commit().await?;
    Ok(status)
}

async fn answer_in(
    tx: &mut Tx,
    invited: UserId,
    id: GroupId,
    answer: Answer,
) -> Result<Status, Error> {
    let group = groups::lock_group(tx, id).await?;
    if !invitations::delete_invitation(tx, id, invited).await? {
        return Err(no_invitation());
    }
    match answer {
        Answer::Accept => {
            membership::join(tx, &group, invited, Role::Member).await?;
            Ok(Status::Joined)
        }
        Answer::Reject => {
            notifications::settle_invite(tx, id, invited).await?;
            Ok(Status::None)
        }
    }
}

/// Joins a public group; asks to join a private one. An invitation opens both.
pub(super) async fn join(app: &App, caller: UserId, id: GroupId) -> Result<Status, Error> {
    let mut tx = app.begin().await?;
    let group = groups::lock_group(&tx, id).await?;
    if members::find_role(&tx, id, caller).await?.is_some() {
        return Ok(Status::Joined);
    }
    let is_open = !group.is_private || invitations::delete_invitation(&tx, id, caller).await?;
    let status = if is_open {
        membership::join(&mut tx, &group, caller, Role::Member).await?;
        Status::Joined
    } else {
        request(&mut tx, &group, caller).await?;
        Status::Requested
    };
    tx.commit().await?;
    Ok(status)
}

/// Asks, and tells those who can answer; once.
async fn request(tx: &mut Tx, group: &LockedGroup, caller: UserId) -> Result<(), Error> {
    if !invitations::insert_request(tx, group.id, caller, tx.now()).await? {
        return Ok(());
    }
    let asker = users::find_person(tx, caller).await?;
    for admin in members::list_admins(tx, group.id).await? {
        notifications::group_join_request(tx, group, &asker, admin).await?;
    }
    Ok(())
}

/// Accepts or rejects somebody's request.
pub(super) async fn answer_request(
    app: &App,
    caller: UserId,
    (id, asker): (GroupId, UserId),
    answer: Answer,
) -> Result<Status, Error> {
    let mut tx = app.begin().await?;
    let status = answer_request_in(&mut tx, caller, (id, asker), answer).await?;
    tx.commit().await?;
    Ok(status)
}

async fn answer_request_in(
    tx: &mut Tx,
    caller: UserId,
    (id, asker): (GroupId, UserId),
    answer: Answer,
) -> Result<Status, Error> {
    let group = groups::lock_group(tx, id).await?;
    require_at_least(tx, id, caller, Role::Admin).await?;
    if !invitations::delete_request(tx, id, asker).await? {
        return Err(Error::not_found("join request"));
    }
    match answer {
        Answer::Accept => {
            membership::join(tx, &group, asker, Role::Member).await?;
            Ok(Status::Joined)
        }
        Answer::Reject => {
            notifications::settle_join_request(tx, id, asker).await?;
            Ok(Status::None)
        }
    }
}

/// The answer to the notification `group_invite`.
pub(super) async fn answer_notification(tx: &mut Tx, answered: Answered) -> Result<(), Error> {
    let id = group_of(&answered)?;
    answer_in(tx, answered.recipient, id, answered.answer).await?;
    Ok(())
}

/// The answer to the notification `group_join_request`.
pub(super) async fn answer_request_notification(
    tx: &mut Tx,
    answered: Answered,
) -> Result<(), Error> {
    let asked = (group_of(&answered)?, answered.actor);
    answer_request_in(tx, answered.recipient, asked, answered.answer).await?;
    Ok(())
}

fn group_of(answered: &Answered) -> Result<GroupId, Error> {
    let id = answered.related_id.and_then(|id| GroupId::new(id).ok());
    id.ok_or_else(|| Error::defect("a notification about a group that names none"))
}

fn no_invitation() -> Error {
    Error::new(
        Code::NoInvitation,
        "there is no invitation, or not any more",
    )
}
