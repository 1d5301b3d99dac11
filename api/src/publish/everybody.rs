//! Durable events for everybody: told one person after the other, in batches that a crash can come between.
//!
//! Everybody's channel has no log, and people's own have one: so a durable event for everybody is one for each account that
//! is signed in somewhere. Nobody else could be told later, for whoever signs in afterwards begins with the state of things.
//!
//! A request writes the event down and is answered. The job takes the oldest one, puts it into the channels of the next
//! people, and moves the mark of how far it has come, all in one transaction: a pod that dies leaves the batch undone or
//! done, never half. It runs where its lease is held; if a pod loses that unnoticed, the lock on the event keeps the two apart.

use std::time::Duration;

use shared::{
    ids::{EventId, UserId},
    wire::{Channel, Code},
};

use super::{
    queries::broadcasts::{self as queries, Waiting},
    request::Publish,
};
use crate::app::{
    App,
    db::{Connection, Foreign, Tx},
    error::Error,
    jobs::Job,
};

/// People who are told in one transaction: half as many as one request can name.
pub(super) const BATCH: usize = 500;
/// Batches of a run, so that the lease is renewed between them. It is also the pace: 2,000 people a second leave the log,
/// Redis and the gateways to others.
const BATCHES_MAX: usize = 4;
/// Events that are under way at once.
pub(super) const UNDER_WAY_MAX: i64 = 10;
/// When to come back where so many are.
const COME_BACK_AFTER: Duration = Duration::from_mins(1);

/// Writes down that everybody is to be told.
///
/// # Errors
///
/// `rate_limited` where ten others are under way.
pub(super) async fn announce(tx: &Tx, event: EventId, input: &Publish) -> Result<(), Error> {
    let data = serde_json::to_string(&input.data).map_err(Error::internal)?;
    let said = (event, &*input.kind, &*data);
    if !queries::insert(tx, said, UNDER_WAY_MAX, tx.now()).await? {
        let detail = format!("{UNDER_WAY_MAX} durable broadcasts are under way");
        return Err(Error::new(Code::RateLimited, detail).retry_after(COME_BACK_AFTER));
    }
    Ok(())
}

/// How far a durable broadcast has come.
#[derive(Debug, Clone, Copy)]
pub struct UnderWay {
    told_to: i64,
}

impl UnderWay {
    /// Whether somebody's turn is still to come. They are told in the order of their ids.
    pub fn is_still_to_tell(self, person: UserId) -> bool {
        person.get() > self.told_to
    }
}

/// How far an event has come, if it is for everybody and not everybody was told.
pub async fn find_under_way(db: &Connection, event: EventId) -> Result<Option<UnderWay>, Error> {
    let told_to = queries::find_mark(db, event).await?;
    Ok(told_to.map(|told_to| UnderWay { told_to }))
}

/// The job that tells.
#[derive(Debug, Default)]
pub(super) struct TellEverybody;

impl Job for TellEverybody {
    const NAME: &'static str = "durable_broadcasts";
    const EVERY: Duration = Duration::from_secs(1);

    async fn run(&mut self, app: &App) -> Result<(), Error> {
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
    let Some(waiting) = queries::lock_next(&tx, app.now()).await? else {
        return Ok(false);
    };
    let told = match tell_batch(&mut tx, &waiting).await {
        Ok(()) => tx.commit().await,
        Err(error) => {
            drop(tx);
            Err(error)
        }
    };
    if let Err(error) = told {
        queries::postpone(&app.read().await?, waiting.event, app.now()).await?;
        return Err(error);
    }
    Ok(true)
}

/// Tells the event's next people, and marks that they were.
pub(super) async fn tell_batch(tx: &mut Tx, waiting: &Waiting) -> Result<(), Error> {
    let people = queries::list_signed_in(tx, (waiting.told_to, BATCH), tx.now()).await?;
    let channels: Vec<Channel> = people.iter().copied().map(Channel::User).collect();
    if !channels.is_empty() {
        tx.foreign_event(&Foreign {
            id: waiting.event,
            channels: &channels,
            kind: &waiting.kind,
            data: &waiting.data,
        })?;
    }
    match people.get(BATCH - 1) {
        Some(last) => queries::move_mark(tx, waiting.event, *last).await,
        None => queries::delete(tx, waiting.event).await,
    }
}
