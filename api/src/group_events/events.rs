//! Events about group events: what the group's channel says, and a person's own devices.

use serde::Serialize;
use shared::{
    ids::{GroupEventId, GroupId, UserId},
    wire::{Channel, Class},
};

use super::event::{Counts, Facts, Rsvp};
use crate::app::{
    db::{EventSpec, NoticeSpec, Tx},
    error::Error,
};

#[derive(Serialize)]
struct Told<'a> {
    event_id: GroupEventId,
    #[serde(flatten)]
    facts: &'a Facts,
}

/// `event_created`: the group has an event.
pub(super) fn event_created(tx: &mut Tx, by: UserId, facts: &Facts) -> Result<(), Error> {
    tell_group(tx, "event_created", by, facts)
}

/// `event_updated`: it is another now, or at another time or place.
pub(super) fn event_updated(tx: &mut Tx, by: UserId, facts: &Facts) -> Result<(), Error> {
    tell_group(tx, "event_updated", by, facts)
}

/// `event_cancelled`: it does not take place.
pub(super) fn event_cancelled(tx: &mut Tx, by: UserId, facts: &Facts) -> Result<(), Error> {
    tell_group(tx, "event_cancelled", by, facts)
}

fn tell_group(tx: &mut Tx, kind: &'static str, by: UserId, facts: &Facts) -> Result<(), Error> {
    tx.event(&EventSpec {
        channels: &[Channel::Group(facts.group_id)],
        kind,
        from: Some(by),
        to: None,
        group: Some(facts.group_id),
        data: &Told {
            event_id: facts.id,
            facts,
        },
    })
}

#[derive(Serialize)]
struct Answered {
    event_id: GroupEventId,
    group_id: GroupId,
    status: Rsvp,
}

/// `event_rsvp`: the person's own answer, for their other devices.
pub(super) fn event_rsvp(
    tx: &mut Tx,
    member: UserId,
    (event_id, group_id): (GroupEventId, GroupId),
    status: Rsvp,
) -> Result<(), Error> {
    tx.event(&EventSpec {
        channels: &[Channel::User(member)],
        kind: "event_rsvp",
        from: Some(member),
        to: Some(member),
        group: Some(group_id),
        data: &Answered {
            event_id,
            group_id,
            status,
        },
    })
}

#[derive(Serialize)]
struct Attendance<'a> {
    event_id: GroupEventId,
    group_id: GroupId,
    #[serde(flatten)]
    counts: &'a Counts,
}

/// `event_attendance`: how many come by now. A notice: numbers are read anew with the event.
pub(super) fn event_attendance(
    tx: &mut Tx,
    (event_id, group_id): (GroupEventId, GroupId),
    counts: &Counts,
) -> Result<(), Error> {
    tx.notice(&NoticeSpec {
        channel: Channel::Group(group_id),
        kind: "event_attendance",
        class: Class::State,
        key: Some(&format!("event_attendance:{event_id}")),
        from: None,
        to: None,
        group: Some(group_id),
        data: &Attendance {
            event_id,
            group_id,
            counts,
        },
    })
}
