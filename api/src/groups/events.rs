//! Events of groups.

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{GroupId, UserId},
    membership::MembershipChanged,
    wire::{Channel, Class, kind},
};

use super::{group::GroupView, queries::groups::LockedGroup, role::Role};
use crate::{
    app::{
        db::{EventSpec, NoticeSpec, Tx},
        error::Error,
        event_type::EventType,
        time::Time,
    },
    users::Person,
};

/// All of them.
pub(super) const TYPES: &[EventType] = &[
    MEMBERSHIP_CHANGED,
    GROUP_UPDATED,
    GROUP_DELETED,
    ROLE_CHANGED,
    GROUP_INVITE,
    CONTENT_UPDATE,
];

const MEMBERSHIP_CHANGED: EventType = EventType::durable::<MembershipNews>(
    kind::MEMBERSHIP_CHANGED,
    "Somebody joined or left a group; on the person's channel and the group's.",
);
const GROUP_UPDATED: EventType =
    EventType::durable::<GroupUpdated<'static>>("group_updated", "A group's profile is another.");
const GROUP_DELETED: EventType =
    EventType::durable::<GroupDeleted>(kind::GROUP_DELETED, "The last event of a group's channel.");
const ROLE_CHANGED: EventType =
    EventType::durable::<RoleChanged>("group_role_changed", "A member has another role.");
const GROUP_INVITE: EventType = EventType::durable::<GroupInvite<'static>>(
    "group_invite",
    "The recipient is invited to a group: the same moment as the notification.",
);
const CONTENT_UPDATE: EventType = EventType::notice::<ContentUpdate>(
    "group_content_update",
    "There is something new in a group.",
);

/// Data of `membership_changed`: what gateways go by, and what people want to know.
#[derive(Serialize, JsonSchema)]
pub(super) struct MembershipNews {
    #[serde(flatten)]
    pub(super) change: MembershipChanged,
    pub(super) user: Person,
    /// Of somebody who joined.
    pub(super) role: Option<Role>,
    /// How many are in the group now.
    pub(super) member_count: i64,
}

/// `membership_changed`: for the person, and for the group, in whose order it has its place.
pub(super) fn membership_changed(tx: &mut Tx, news: &MembershipNews) -> Result<(), Error> {
    let MembershipChanged {
        group_id, user_id, ..
    } = news.change;
    tx.control_event(&EventSpec {
        channels: &[Channel::User(user_id), Channel::Group(group_id)],
        kind: MEMBERSHIP_CHANGED,
        from: None,
        to: Some(user_id),
        group: Some(group_id),
        data: news,
    })
}

#[derive(Serialize, JsonSchema)]
struct GroupUpdated<'a> {
    group_id: GroupId,
    name: &'a str,
    description: &'a str,
    avatar: Option<&'a str>,
    is_private: bool,
    updated_at: Time,
}

/// `group_updated`: the profile is another.
pub(super) fn group_updated(tx: &mut Tx, by: UserId, group: &GroupView) -> Result<(), Error> {
    tx.event(&EventSpec {
        channels: &[Channel::Group(group.id)],
        kind: GROUP_UPDATED,
        from: Some(by),
        to: None,
        group: Some(group.id),
        data: &GroupUpdated {
            group_id: group.id,
            name: &group.name,
            description: &group.description,
            avatar: group.avatar.as_deref(),
            is_private: group.is_private,
            updated_at: group.updated_at,
        },
    })
}

#[derive(Serialize, JsonSchema)]
struct GroupDeleted {
    group_id: GroupId,
}

/// `group_deleted`: nobody is in the group any more.
pub(super) fn group_deleted(tx: &mut Tx, by: UserId, group_id: GroupId) -> Result<(), Error> {
    tx.control_event(&EventSpec {
        channels: &[Channel::Group(group_id)],
        kind: GROUP_DELETED,
        from: Some(by),
        to: None,
        group: Some(group_id),
        data: &GroupDeleted { group_id },
    })
}

#[derive(Serialize, JsonSchema)]
struct RoleChanged {
    group_id: GroupId,
    user_id: UserId,
    role: Role,
}

/// `group_role_changed`: a member has another role.
pub(super) fn role_changed(
    tx: &mut Tx,
    by: UserId,
    (group_id, user_id): (GroupId, UserId),
    role: Role,
) -> Result<(), Error> {
    tx.event(&EventSpec {
        channels: &[Channel::Group(group_id)],
        kind: ROLE_CHANGED,
        from: Some(by),
        to: None,
        group: Some(group_id),
        data: &RoleChanged {
            group_id,
            user_id,
            role,
        },
    })
}

#[derive(Serialize, JsonSchema)]
struct GroupInvite<'a> {
    group_id: GroupId,
    group_name: &'a str,
    user: &'a Person,
}

/// `group_invite`: the same moment as its notification, for clients that listen for it by name.
pub(super) fn group_invite(
    tx: &mut Tx,
    group: &LockedGroup,
    inviter: &Person,
    invited: UserId,
) -> Result<(), Error> {
    tx.event(&EventSpec {
        channels: &[Channel::User(invited)],
        kind: GROUP_INVITE,
        from: Some(inviter.id),
        to: Some(invited),
        group: Some(group.id),
        data: &GroupInvite {
            group_id: group.id,
            group_name: &group.name,
            user: inviter,
        },
    })
}

#[derive(Serialize, JsonSchema)]
struct ContentUpdate {
    group_id: GroupId,
    kind: &'static str,
}

/// `group_content_update`: there is something new of this kind in the group. A notice: who is not there sees it anyway.
pub fn group_content_update(
    tx: &mut Tx,
    by: UserId,
    group_id: GroupId,
    kind: &'static str,
) -> Result<(), Error> {
    tx.notice(&NoticeSpec {
        channel: Channel::Group(group_id),
        kind: CONTENT_UPDATE,
        class: Class::State,
        key: Some(&format!("group_content_update:{group_id}:{kind}")),
        from: Some(by),
        to: None,
        group: Some(group_id),
        data: &ContentUpdate { group_id, kind },
    })
}
