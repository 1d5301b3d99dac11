//! Statements on durable events for everybody.

use serde_json::value::RawValue;
use shared::ids::{EventId, UserId};

use crate::app::{
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
    time::Time,
};

pub(super) const INSERT: &str = "
insert into durable_broadcasts (event_id, kind, data, created_at, due_at)
select $1, $2, $3, $4, $4
where (select count(*) from durable_broadcasts) < $5";

/// Writes one down; false where so many are under way already. Requests at the same moment do not see each other's: each of
/// them may be one too many.
pub(in crate::publish) async fn insert(
    db: &Connection,
    (event, kind, data): (EventId, &str, &str),
    under_way_max: i64,
    now: Time,
) -> Result<bool, Error> {
    let rows = db
        .execute(
            INSERT,
            &[&event.get(), &kind, &data, &now.0, &under_way_max],
        )
        .await?;
    Ok(rows == 1)
}

/// An event that is being worked off.
#[derive(Debug)]
pub(in crate::publish) struct Waiting {
    pub(in crate::publish) event: EventId,
    pub(in crate::publish) kind: String,
    pub(in crate::publish) data: Box<RawValue>,
    /// Everybody up to here has been told.
    pub(in crate::publish) told_to: i64,
}

impl FromRow for Waiting {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        let data: String = row.get("data")?;
        Ok(Self {
            event: row.get("event_id")?,
            kind: row.get("kind")?,
            data: RawValue::from_string(data).map_err(|_| InvalidRow::Value {
                column: "data".to_owned(),
            })?,
            told_to: row.get("told_to")?,
        })
    }
}

// Another pod that believes itself to be the one that tells passes over what is under way here.
pub(super) const LOCK_NEXT: &str = "
select event_id, kind, data, told_to
from durable_broadcasts
where due_at <= $1
order by due_at, event_id
limit 1
for update skip locked";

/// The next one that is due and that nobody else works on.
pub(in crate::publish) async fn lock_next(
    db: &Connection,
    now: Time,
) -> Result<Option<Waiting>, Error> {
    db.query_optional(LOCK_NEXT, &[&now.0]).await
}

pub(super) const LIST_SIGNED_IN: &str = "
select distinct user_id
from sessions
where user_id > $1 and revoked_at is null and expires_at > $2
order by user_id
limit $3";

/// Who has a session and comes after somebody, in the order of their ids, at most so many.
pub(in crate::publish) async fn list_signed_in(
    db: &Connection,
    (after, rows): (i64, usize),
    now: Time,
) -> Result<Vec<UserId>, Error> {
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    db.query(LIST_SIGNED_IN, &[&after, &now.0, &rows]).await
}

pub(super) const MOVE_MARK: &str = "
update durable_broadcasts set told_to = $2 where event_id = $1";

/// Marks how far it has come.
pub(in crate::publish) async fn move_mark(
    db: &Connection,
    event: EventId,
    told_to: UserId,
) -> Result<(), Error> {
    db.execute(MOVE_MARK, &[&event.get(), &told_to.get()])
        .await?;
    Ok(())
}

pub(super) const POSTPONE: &str = "
update durable_broadcasts
set attempts = attempts + 1, due_at = $2::timestamptz + least(power(2, attempts), 600) * interval '1 second'
where event_id = $1";

/// Lets others go first after a failure, the longer the more often it has failed.
pub(in crate::publish) async fn postpone(
    db: &Connection,
    event: EventId,
    now: Time,
) -> Result<(), Error> {
    db.execute(POSTPONE, &[&event.get(), &now.0]).await?;
    Ok(())
}

pub(super) const DELETE: &str = "delete from durable_broadcasts where event_id = $1";

/// Everybody was told.
pub(in crate::publish) async fn delete(db: &Connection, event: EventId) -> Result<(), Error> {
    db.execute(DELETE, &[&event.get()]).await?;
    Ok(())
}

pub(super) const FIND_MARK: &str = "select told_to from durable_broadcasts where event_id = $1";

/// Up to whom everybody was told; nothing where all were, or it never was for everybody.
pub(in crate::publish) async fn find_mark(
    db: &Connection,
    event: EventId,
) -> Result<Option<i64>, Error> {
    db.query_optional(FIND_MARK, &[&event.get()]).await
}
