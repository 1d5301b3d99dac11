//! Telling people, however many, a hundred at a time: a [`Backlog`] of notices, which changes write beside themselves.
//! Reminders are kept apart for each person besides (`group_event_reminder_unique`).

use std::time::Duration;

use shared::ids::{GroupEventId, UserId};

use super::{
    notifications,
    queries::notices::{self as queries, Notice},
};
use crate::app::{
    App,
    db::{Column, Connection, Tx},
    error::Error,
    jobs::{Backlog, Job, work_off},
    time::Time,
};

/// People who are told in one transaction.
pub(super) const BATCH: i64 = 100;

/// What people are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// All members: there is an event.
    Created,
    /// Those who come, or may: it is at another time or place.
    Changed,
    /// Those who come, or may: it does not take place.
    Cancelled,
    /// Those who come, or may: it starts soon.
    Reminder,
}

impl Kind {
    /// As it is stored.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Cancelled => "cancelled",
            Self::Reminder => "reminder",
        }
    }
}

impl Column for Kind {
    type Sql = String;

    fn from_sql(value: String) -> Option<Self> {
        let all = [
            Self::Created,
            Self::Changed,
            Self::Cancelled,
            Self::Reminder,
        ];
        all.into_iter().find(|kind| kind.name() == value)
    }
}

/// When people are reminded of an event that starts then; `None` if that is too soon.
pub(super) fn remind_at(app: &App, starts_at: Time) -> Option<Time> {
    let time = starts_at.minus(app.settings().event_reminder);
    (time > app.now()).then_some(time)
}

/// Writes down that people are to be told.
pub(super) async fn announce(
    tx: &Tx,
    event: GroupEventId,
    kind: Kind,
    actor: UserId,
) -> Result<(), Error> {
    queries::insert_notice(tx, event, (kind, actor), tx.now()).await
}

/// The job that tells.
#[derive(Debug, Default)]
pub(super) struct Notices;

impl Job for Notices {
    const NAME: &'static str = "group_event_notices";
    const EVERY: Duration = Duration::from_secs(1);

    async fn run(&mut self, app: &App) -> Result<(), Error> {
        queries::queue_reminders(&app.read().await?, app.now()).await?;
        work_off::<Self>(app).await
    }
}

impl Backlog for Notices {
    type Waiting = Notice;
    const BATCHES_MAX: usize = 20;

    async fn lock_next(db: &Connection, now: Time) -> Result<Option<Notice>, Error> {
        queries::lock_notice(db, now).await
    }

    async fn do_batch(tx: &mut Tx, notice: &Notice) -> Result<(), Error> {
        tell_batch(tx, notice).await
    }

    async fn postpone(db: &Connection, notice: &Notice, now: Time) -> Result<(), Error> {
        queries::postpone_notice(db, notice.id, now).await
    }
}

/// Tells the notice's next people, and marks that they were.
pub(super) async fn tell_batch(tx: &mut Tx, notice: &Notice) -> Result<(), Error> {
    if is_stale(notice, tx.now()) {
        return queries::delete_notice(tx, notice.id).await;
    }
    let recipients = queries::list_recipients(tx, notice, BATCH).await?;
    for recipient in recipients.iter().filter(|recipient| recipient.is_new) {
        notifications::tell(tx, notice, recipient.id).await?;
    }
    match recipients.last() {
        Some(last) => queries::move_notice(tx, notice.id, last.id).await,
        None => queries::delete_notice(tx, notice.id).await,
    }
}

/// Whether it says what is not so any more: of an event that was cancelled only its cancellation is told, and nobody is
/// reminded of what has begun, or begins at another time by now.
fn is_stale(notice: &Notice, now: Time) -> bool {
    match notice.kind {
        Kind::Cancelled => false,
        Kind::Created | Kind::Changed => notice.is_cancelled,
        Kind::Reminder => notice.is_cancelled || notice.is_moved || notice.starts_at <= now,
    }
}
