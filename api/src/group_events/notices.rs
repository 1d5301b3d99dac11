//! Telling people, however many, in batches that a crash can come between.
//!
//! A change writes a notice beside itself, in its own transaction. The job takes the oldest notice, tells its next hundred
//! people, and moves the mark of how far it has come, all in one transaction: a pod that dies leaves the batch undone or
//! done, never half. It runs where its lease is held; if a pod loses that unnoticed, the lock on the notice keeps the two
//! apart, and reminders are kept apart for each person besides (`group_event_reminder_unique`).

use std::time::Duration;

use shared::ids::{GroupEventId, UserId};

use super::{
    notifications,
    queries::notices::{self as queries, Notice},
};
use crate::app::{
    App,
    db::{Column, Tx},
    error::Error,
    jobs::Job,
    time::Time,
};

/// People who are told in one transaction.
pub(super) const BATCH: i64 = 100;
/// Batches of a run, so that the lease is renewed between them.
const BATCHES_MAX: usize = 20;

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
        for _ in 0..BATCHES_MAX {
            if !tell_some(app).await? {
                break;
            }
        }
        Ok(())
    }
}

/// Tells a batch of people; false if there is nobody to be told.
async fn tell_some(app: &App) -> Result<bool, Error> {
    let mut tx = app.begin().await?;
    let Some(notice) = queries::lock_notice(&tx, app.now()).await? else {
        return Ok(false);
    };
    let told = match tell_batch(&mut tx, &notice).await {
        Ok(()) => tx.commit().await,
        Err(error) => {
            drop(tx);
            Err(error)
        }
    };
    if let Err(error) = told {
        queries::postpone_notice(&app.read().await?, notice.id, app.now()).await?;
        return Err(error);
    }
    Ok(true)
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
