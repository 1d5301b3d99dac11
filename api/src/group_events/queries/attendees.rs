//! Who comes.

use shared::ids::{GroupEventId, GroupId, UserId};

use super::events::no_event;
use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Parameters, Row},
        error::Error,
        http::place::Place,
        time::Time,
    },
    group_events::event::{AttendeeView, Counts, Rsvp},
    users::person_columns,
};

/// An event that is not cancelled before the transaction's end.
#[derive(Debug)]
pub(in crate::group_events) struct HeldEvent {
    pub(in crate::group_events) group: GroupId,
    pub(in crate::group_events) is_cancelled: bool,
}

impl FromRow for HeldEvent {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            group: row.get("group_id")?,
            is_cancelled: row.get("is_cancelled")?,
        })
    }
}

pub(super) const HOLD_EVENT: &str = "
select event.group_id, event.cancelled_at is not null as is_cancelled
from group_events event
join group_members me on me.group_id = event.group_id and me.user_id = $2
where event.id = $1
for share of event
for key share of me";

/// The event, for a member who says something about it; others may do so at the same time.
pub(in crate::group_events) async fn hold_event(
    db: &Connection,
    event: GroupEventId,
    member: UserId,
) -> Result<HeldEvent, Error> {
    let parameters: Parameters<'_> = &[&event.get(), &member.get()];
    let found = db.query_optional(HOLD_EVENT, parameters).await?;
    found.ok_or_else(no_event)
}

pub(super) const SET_RSVP: &str = "
insert into group_event_rsvps as rsvp (event_id, group_id, user_id, status, answered_at)
values ($1, $2, $3, $4, $5)
on conflict on constraint group_event_rsvp_unique
    do update set status = excluded.status, answered_at = excluded.answered_at
    where rsvp.status <> excluded.status";

/// Keeps an answer; false if it was given before.
pub(in crate::group_events) async fn set_rsvp(
    db: &Connection,
    (event, group, member): (GroupEventId, GroupId, UserId),
    status: Rsvp,
    now: Time,
) -> Result<bool, Error> {
    let parameters: Parameters<'_> = &[
        &event.get(),
        &group.get(),
        &member.get(),
        &status.name(),
        &now.0,
    ];
    Ok(db.execute(SET_RSVP, parameters).await? == 1)
}

pub(super) const COUNT_RSVPS: &str = "
select
    count(*) filter (where status = 'going') as going_count,
    count(*) filter (where status = 'maybe') as maybe_count,
    count(*) filter (where status = 'no') as no_count
from group_event_rsvps
where event_id = $1";

/// How many come.
pub(in crate::group_events) async fn count_rsvps(
    db: &Connection,
    event: GroupEventId,
) -> Result<Counts, Error> {
    db.query_one(COUNT_RSVPS, &[&event.get()]).await
}

pub(super) const LIST_ATTENDEES: &str = concat!(
    "
select rsvp.status, rsvp.answered_at, ",
    person_columns!(),
    "
from group_event_rsvps rsvp
join users account on account.id = rsvp.user_id
where rsvp.event_id = $1 and ($2::text is null or rsvp.status = $2)
    and (rsvp.answered_at, rsvp.user_id) < ($3, $4)
order by rsvp.answered_at desc, rsvp.user_id desc
limit $5"
);

/// Who has answered, or has answered this, the last one first.
pub(in crate::group_events) async fn list_attendees(
    db: &Connection,
    event: GroupEventId,
    status: Option<Rsvp>,
    (place, rows): (Place, i64),
) -> Result<Vec<AttendeeView>, Error> {
    let parameters: Parameters<'_> = &[
        &event.get(),
        &status.map(Rsvp::name),
        &place.time.0,
        &place.id,
        &rows,
    ];
    db.query(LIST_ATTENDEES, parameters).await
}
