//! Events themselves.

use shared::ids::{GroupEventId, GroupId, UserId};

use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Parameters, Row},
        error::Error,
        http::{json::Change, place::Place},
        time::Time,
    },
    group_events::event::{EventView, Facts},
    users::person_columns,
};

/// What a [`Facts`] is read from: `event`, and the `creator`'s row of `users`.
macro_rules! fact_columns {
    () => {
        concat!(
            "
    event.id, event.group_id, event.title, event.description, event.place, event.starts_at, event.ends_at,
    event.created_at, event.updated_at, event.cancelled_at, ",
            person_columns!("creator", "creator")
        )
    };
}

/// The end of a statement that begins with `with event as (update group_events ...`.
macro_rules! changed_facts {
    () => {
        concat!(
            "
    returning *
)
select",
            fact_columns!(),
            "
from event
join users creator on creator.id = event.creator_id"
        )
    };
}

/// What an [`EventView`] is read from; `$1` is the reader, who is a member. Answers are counted, not kept as a number:
/// they end with memberships, which know nothing of events.
macro_rules! event_rows {
    () => {
        concat!(
            "
select",
            fact_columns!(),
            ",
    counts.going_count, counts.maybe_count, counts.no_count, mine.status as my_rsvp
from group_events event
join users creator on creator.id = event.creator_id
join group_members me on me.group_id = event.group_id and me.user_id = $1
left join group_event_rsvps mine on mine.event_id = event.id and mine.user_id = $1
cross join lateral (
    select
        count(*) filter (where status = 'going') as going_count,
        count(*) filter (where status = 'maybe') as maybe_count,
        count(*) filter (where status = 'no') as no_count
    from group_event_rsvps rsvp
    where rsvp.event_id = event.id
) counts"
        )
    };
}

/// What an event is to be.
#[derive(Debug)]
pub(in crate::group_events) struct NewEvent {
    pub(in crate::group_events) title: String,
    pub(in crate::group_events) description: String,
    pub(in crate::group_events) place: Option<String>,
    pub(in crate::group_events) starts_at: Time,
    pub(in crate::group_events) ends_at: Option<Time>,
}

pub(super) const INSERT_EVENT: &str = "
insert into group_events
    (group_id, creator_id, title, description, place, starts_at, ends_at, remind_at, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
returning id";

/// Makes an event.
pub(in crate::group_events) async fn insert_event(
    db: &Connection,
    (group, creator): (GroupId, UserId),
    event: &NewEvent,
    (remind_at, now): (Option<Time>, Time),
) -> Result<GroupEventId, Error> {
    let parameters: Parameters<'_> = &[
        &group.get(),
        &creator.get(),
        &event.title,
        &event.description,
        &event.place,
        &event.starts_at.0,
        &event.ends_at.map(|time| time.0),
        &remind_at.map(|time| time.0),
        &now.0,
    ];
    db.query_one(INSERT_EVENT, parameters).await
}

pub(super) const FIND_EVENT: &str = concat!(event_rows!(), "\nwhere event.id = $2");

/// The event, for a member of its group.
pub(in crate::group_events) async fn find_event(
    db: &Connection,
    reader: UserId,
    event: GroupEventId,
) -> Result<EventView, Error> {
    let parameters: Parameters<'_> = &[&reader.get(), &event.get()];
    let found = db.query_optional(FIND_EVENT, parameters).await?;
    found.ok_or_else(no_event)
}

pub(in crate::group_events) fn no_event() -> Error {
    Error::not_found("event")
}

pub(super) const LIST_UPCOMING: &str = concat!(
    event_rows!(),
    "
where event.group_id = $2 and event.cancelled_at is null and coalesce(event.ends_at, event.starts_at) >= $3
    and (event.starts_at, event.id) > ($4, $5)
order by event.starts_at, event.id
limit $6"
);
pub(super) const LIST_PAST: &str = concat!(
    event_rows!(),
    "
where event.group_id = $2 and event.cancelled_at is null and coalesce(event.ends_at, event.starts_at) < $3
    and (event.starts_at, event.id) < ($4, $5)
order by event.starts_at desc, event.id desc
limit $6"
);

/// Which events of a group a list shows.
#[derive(Debug, Clone, Copy)]
pub(in crate::group_events) enum Which {
    /// Those that are not over, the next one first.
    Upcoming,
    /// Those that are, the last one first.
    Past,
}

/// Those that take place, for a member.
pub(in crate::group_events) async fn list_events(
    db: &Connection,
    (reader, group): (UserId, GroupId),
    (which, now): (Which, Time),
    (place, rows): (Place, i64),
) -> Result<Vec<EventView>, Error> {
    let statement = match which {
        Which::Upcoming => LIST_UPCOMING,
        Which::Past => LIST_PAST,
    };
    let parameters: Parameters<'_> = &[
        &reader.get(),
        &group.get(),
        &now.0,
        &place.time.0,
        &place.id,
        &rows,
    ];
    db.query(statement, parameters).await
}

/// An event that nobody else changes before the transaction's end, nor who the caller is in its group.
#[derive(Debug)]
pub(in crate::group_events) struct LockedEvent {
    pub(in crate::group_events) place: Option<String>,
    pub(in crate::group_events) starts_at: Time,
    pub(in crate::group_events) ends_at: Option<Time>,
    pub(in crate::group_events) is_cancelled: bool,
    /// The caller made it, or is an admin of the group.
    pub(in crate::group_events) may_change: bool,
}

impl FromRow for LockedEvent {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            place: row.get("place")?,
            starts_at: row.get("starts_at")?,
            ends_at: row.get("ends_at")?,
            is_cancelled: row.get("is_cancelled")?,
            may_change: row.get("may_change")?,
        })
    }
}

pub(super) const LOCK_EVENT: &str = "
select
    event.place, event.starts_at, event.ends_at, event.cancelled_at is not null as is_cancelled,
    event.creator_id = $2 or me.role in ('admin', 'owner') as may_change
from group_events event
join group_members me on me.group_id = event.group_id and me.user_id = $2
where event.id = $1
for no key update of event
for key share of me";

/// The event, for a member who wants to change it.
pub(in crate::group_events) async fn lock_event(
    db: &Connection,
    event: GroupEventId,
    member: UserId,
) -> Result<LockedEvent, Error> {
    let parameters: Parameters<'_> = &[&event.get(), &member.get()];
    let found = db.query_optional(LOCK_EVENT, parameters).await?;
    found.ok_or_else(no_event)
}

/// What is to be another.
#[derive(Debug)]
pub(in crate::group_events) struct EventChange {
    pub(in crate::group_events) title: Option<String>,
    pub(in crate::group_events) description: Option<String>,
    pub(in crate::group_events) place: Change<String>,
    pub(in crate::group_events) starts_at: Option<Time>,
    pub(in crate::group_events) ends_at: Change<Time>,
}

// A null leaves the column as it is; those that can be cleared have a switch beside them.
pub(super) const UPDATE_EVENT: &str = concat!(
    "
with event as (
    update group_events
    set title = coalesce($2, title),
        description = coalesce($3, description),
        place = case when $4 then $5 else place end,
        starts_at = coalesce($6, starts_at),
        ends_at = case when $7 then $8 else ends_at end,
        remind_at = case when $9 then $10 else remind_at end,
        updated_at = $11
    where id = $1",
    changed_facts!()
);

/// Changes a locked event; `remind_at` is set where it is given.
pub(in crate::group_events) async fn update_event(
    db: &Connection,
    event: GroupEventId,
    change: &EventChange,
    (remind_at, now): (&Change<Time>, Time),
) -> Result<Facts, Error> {
    let (sets_place, place) = change.place.setting();
    let (sets_end, ends_at) = change.ends_at.setting();
    let (sets_reminder, remind_at) = remind_at.setting();
    let parameters: Parameters<'_> = &[
        &event.get(),
        &change.title,
        &change.description,
        &sets_place,
        &place,
        &change.starts_at.map(|time| time.0),
        &sets_end,
        &ends_at.map(|time| time.0),
        &sets_reminder,
        &remind_at.map(|time| time.0),
        &now.0,
    ];
    db.query_one(UPDATE_EVENT, parameters).await
}

pub(super) const CANCEL_EVENT: &str = concat!(
    "
with event as (
    update group_events
    set cancelled_at = $2, updated_at = $2, remind_at = null
    where id = $1",
    changed_facts!()
);

/// Cancels a locked event.
pub(in crate::group_events) async fn cancel_event(
    db: &Connection,
    event: GroupEventId,
    now: Time,
) -> Result<Facts, Error> {
    db.query_one(CANCEL_EVENT, &[&event.get(), &now.0]).await
}
