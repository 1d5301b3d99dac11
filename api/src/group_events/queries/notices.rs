//! What people are still to be told of.

use shared::ids::{GroupEventId, UserId};

use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Parameters, Row},
        error::Error,
        time::Time,
    },
    group_events::notices::Kind,
    users::{Person, person_columns},
};

pub(super) const INSERT_NOTICE: &str = "
insert into group_event_notices (event_id, kind, actor_id, created_at, due_at)
values ($1, $2, $3, $4, $4)";

/// Writes down that people are to be told.
pub(in crate::group_events) async fn insert_notice(
    db: &Connection,
    event: GroupEventId,
    (kind, actor): (Kind, UserId),
    now: Time,
) -> Result<(), Error> {
    let parameters: Parameters<'_> = &[&event.get(), &kind.name(), &actor.get(), &now.0];
    db.execute(INSERT_NOTICE, parameters).await?;
    Ok(())
}

// Whoever was away when the hour came does not remind of what has begun.
pub(super) const QUEUE_REMINDERS: &str = "
with due as (
    update group_events
    set remind_at = null
    where remind_at <= $1
    returning id, creator_id, starts_at
)
insert into group_event_notices (event_id, kind, actor_id, starts_at, created_at, due_at)
select id, 'reminder', creator_id, starts_at, $1, $1
from due
where starts_at > $1";

/// Writes down the reminders whose time has come, in one step with the mark that it has.
pub(in crate::group_events) async fn queue_reminders(
    db: &Connection,
    now: Time,
) -> Result<(), Error> {
    db.execute(QUEUE_REMINDERS, &[&now.0]).await?;
    Ok(())
}

/// A notice that is being worked off, with what it tells of as that is now.
#[derive(Debug)]
pub(in crate::group_events) struct Notice {
    pub(in crate::group_events) id: i64,
    pub(in crate::group_events) kind: Kind,
    pub(in crate::group_events) event: GroupEventId,
    pub(in crate::group_events) group_id: i64,
    pub(in crate::group_events) group_name: String,
    pub(in crate::group_events) title: String,
    pub(in crate::group_events) starts_at: Time,
    pub(in crate::group_events) is_cancelled: bool,
    /// A reminder of another time than the event's.
    pub(in crate::group_events) is_moved: bool,
    pub(in crate::group_events) actor: Person,
    pub(in crate::group_events) created_at: Time,
    told_to: i64,
}

impl FromRow for Notice {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            kind: row.get("kind")?,
            event: row.get("event_id")?,
            group_id: row.get("group_id")?,
            group_name: row.get("group_name")?,
            title: row.get("title")?,
            starts_at: row.get("starts_at")?,
            is_cancelled: row.get("is_cancelled")?,
            is_moved: row.get("is_moved")?,
            actor: Person::from_columns(row, "actor")?,
            created_at: row.get("created_at")?,
            told_to: row.get("told_to")?,
        })
    }
}

// Another pod that believes itself to be the one that tells passes over what is under way here.
pub(super) const LOCK_NOTICE: &str = concat!(
    "
select
    notice.id, notice.kind, notice.event_id, notice.told_to, notice.created_at,
    event.title, event.starts_at, event.cancelled_at is not null as is_cancelled,
    coalesce(notice.starts_at <> event.starts_at, false) as is_moved,
    event.group_id, groups.name as group_name, ",
    person_columns!("actor", "actor"),
    "
from group_event_notices notice
join group_events event on event.id = notice.event_id
join groups on groups.id = event.group_id
join users actor on actor.id = notice.actor_id
where notice.due_at <= $1
order by notice.due_at, notice.id
limit 1
for update of notice skip locked"
);

/// The next one that is due and that nobody else works on.
pub(in crate::group_events) async fn lock_notice(
    db: &Connection,
    now: Time,
) -> Result<Option<Notice>, Error> {
    db.query_optional(LOCK_NOTICE, &[&now.0]).await
}

pub(super) const POSTPONE_NOTICE: &str = "
update group_event_notices
set attempts = attempts + 1, due_at = $2::timestamptz + least(power(2, attempts), 600) * interval '1 second'
where id = $1";

/// Lets others go first after a failure, the longer the more often it has failed.
pub(in crate::group_events) async fn postpone_notice(
    db: &Connection,
    notice: i64,
    now: Time,
) -> Result<(), Error> {
    db.execute(POSTPONE_NOTICE, &[&notice, &now.0]).await?;
    Ok(())
}

/// Somebody whose turn it is.
#[derive(Debug)]
pub(in crate::group_events) struct Recipient {
    pub(in crate::group_events) id: UserId,
    /// Has not been told yet.
    pub(in crate::group_events) is_new: bool,
}

impl FromRow for Recipient {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("user_id")?,
            is_new: row.get("is_new")?,
        })
    }
}

// Whoever joined later finds the event in the list.
pub(super) const LIST_MEMBERS: &str = "
select member.user_id, true as is_new
from group_members member
join group_events event on event.group_id = member.group_id
where event.id = $1 and member.user_id > $2 and member.joined_at <= $3
order by member.user_id
limit $4";
pub(super) const LIST_ATTENDING: &str = "
select user_id, true as is_new
from group_event_rsvps
where event_id = $1 and user_id > $2 and status in ('going', 'maybe') and answered_at <= $3
order by user_id
limit $4";
pub(super) const LIST_TO_REMIND: &str = "
with due as (
    select user_id
    from group_event_rsvps
    where event_id = $1 and user_id > $2 and status in ('going', 'maybe')
    order by user_id
    limit $4
),
reminded as (
    insert into group_event_reminders (event_id, starts_at, user_id)
    select $1, $3, user_id from due
    on conflict on constraint group_event_reminder_unique do nothing
    returning user_id
)
select due.user_id, reminded.user_id is not null as is_new
from due
left join reminded on reminded.user_id = due.user_id
order by due.user_id";

/// Who is to be told next, in the order of their ids, at most `rows`. Those to be reminded count as reminded from here on.
pub(in crate::group_events) async fn list_recipients(
    db: &Connection,
    notice: &Notice,
    rows: i64,
) -> Result<Vec<Recipient>, Error> {
    let (statement, time) = match notice.kind {
        Kind::Created => (LIST_MEMBERS, notice.created_at),
        Kind::Changed | Kind::Cancelled => (LIST_ATTENDING, notice.created_at),
        Kind::Reminder => (LIST_TO_REMIND, notice.starts_at),
    };
    let parameters: Parameters<'_> = &[&notice.event.get(), &notice.told_to, &time.0, &rows];
    db.query(statement, parameters).await
}

pub(super) const MOVE_NOTICE: &str = "
update group_event_notices set told_to = $2 where id = $1";

/// Marks how far it has come.
pub(in crate::group_events) async fn move_notice(
    db: &Connection,
    notice: i64,
    told_to: UserId,
) -> Result<(), Error> {
    db.execute(MOVE_NOTICE, &[&notice, &told_to.get()]).await?;
    Ok(())
}

pub(super) const DELETE_NOTICE: &str = "delete from group_event_notices where id = $1";

/// Everybody is told.
pub(in crate::group_events) async fn delete_notice(
    db: &Connection,
    notice: i64,
) -> Result<(), Error> {
    db.execute(DELETE_NOTICE, &[&notice]).await?;
    Ok(())
}

/// Of events that began yesterday or before.
pub(super) const FORGET_REMINDERS: &str = "
delete from group_event_reminders where starts_at < $1::timestamptz - interval '1 day'";
/// What failed for a whole day is no news any more.
pub(super) const FORGET_NOTICES: &str = "
delete from group_event_notices where created_at < $1::timestamptz - interval '1 day'";
