//! Events about group events: what the group's channel says, and a person's own devices.

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{GroupEventId, GroupId, UserId},
    wire::{Channel, Class},
};

use super::event::{Counts, Facts, Rsvp};
use crate::app::{
    db::{EventSpec, NoticeSpec, Tx},
    error::Error,
    event_type::EventType,
};

/// All of them.
pub(super) const TYPES: &[EventType] = &[
    EVENT_CREATED,
    EVENT_UPDATED,
    EVENT_CANCELLED,
    EVENT_RSVP,
    EVENT_ATTENDANCE,
];

const EVENT_CREATED: EventType =
    EventType::durable::<Told<'static>>("event_created", "A group has an event.");
const EVENT_UPDATED: EventType = EventType::durable::<Told<'static>>(
    "event_updated",
    "A group's event is another now, or at another time or place.",
);
const EVENT_CANCELLED: EventType =
    EventType::durable::<Told<'static>>("event_cancelled", "A group's event does not take place.");
const EVENT_RSVP: EventType = EventType::durable::<Answered>(
    "event_rsvp",
    "The recipient's own answer to an event, on all their devices.",
);
const EVENT_ATTENDANCE: EventType = EventType::notice::<Attendance<'static>>(
    "event_attendance",
    "How many come to an event by now.",
);

#[derive(Serialize, JsonSchema)]
struct Told<'a> {
    event_id: GroupEventId,
    #[serde(flatten)]
    facts: &'a Facts,
}

/// `event_created`: the group has an event.
pub(super) fn event_created(tx: &mut Tx, by: UserId, facts: &Facts) -> Result<(), Error> {
    tell_group(tx, EVENT_CREATED, by, facts)
}

/// `event_updated`: it is another now, or at another time or place.
pub(super) fn event_updated(tx: &mut Tx, by: UserId, facts: &Facts) -> Result<(), Error> {
    tell_group(tx, EVENT_UPDATED, by, facts)
}

/// `event_cancelled`: it does not take place.
pub(super) fn event_cancelled(tx: &mut Tx, by: UserId, facts: &Facts) -> Result<(), Error> {
    tell_group(tx, EVENT_CANCELLED, by, facts)
}

fn tell_group(tx: &mut Tx, kind: EventType, by: UserId, facts: &Facts) -> Result<(), Error> {
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

#[derive(Serialize, JsonSchema)]
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
        kind: EVENT_RSVP,
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

#[derive(Serialize, JsonSchema)]
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
        kind: EVENT_ATTENDANCE,
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
