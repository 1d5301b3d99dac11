//! Statements on attempts to log in.

use crate::app::{
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
    time::Time,
};

/// One statement counts an attempt for every subject; a window that is over starts anew.
pub(super) const COUNT_ATTEMPT: &str = "
    insert into login_attempts as attempt (subject, attempts, window_ends_at)
    select subject, 1, $3 from unnest($1::text[]) as subject order by subject
    on conflict (subject) do update set
        attempts = case when attempt.window_ends_at <= $2 then 1 else attempt.attempts + 1 end,
        window_ends_at =
            case when attempt.window_ends_at <= $2 then excluded.window_ends_at else attempt.window_ends_at end
    returning subject, attempts, window_ends_at";
/// Locked in the same order as they are counted, so that two log-ins never wait for each other.
pub(super) const TAKE_BACK_ATTEMPT: &str = "
    with counted as (
        select subject from login_attempts where subject = any($1) order by subject for update
    )
    update login_attempts set attempts = attempts - 1
    from counted
    where login_attempts.subject = counted.subject and attempts > 0";
pub(super) const DELETE_OLD_ATTEMPTS: &str = "delete from login_attempts where window_ends_at < $1";

/// How often somebody tried, within a window.
pub(in crate::auth) struct Attempts {
    pub(in crate::auth) subject: String,
    pub(in crate::auth) count: i32,
    pub(in crate::auth) window_ends_at: Time,
}

impl FromRow for Attempts {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            subject: row.get("subject")?,
            count: row.get("attempts")?,
            window_ends_at: row.get("window_ends_at")?,
        })
    }
}

pub(in crate::auth) async fn count_attempt(
    connection: &Connection,
    subjects: &[String],
    now: Time,
    window_ends_at: Time,
) -> Result<Vec<Attempts>, Error> {
    connection
        .query(COUNT_ATTEMPT, &[&subjects, &now.0, &window_ends_at.0])
        .await
}

pub(in crate::auth) async fn take_back_attempt(
    connection: &Connection,
    subjects: &[String],
) -> Result<(), Error> {
    connection.execute(TAKE_BACK_ATTEMPT, &[&subjects]).await?;
    Ok(())
}
