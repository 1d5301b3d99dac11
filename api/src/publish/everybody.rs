//! Durable events for everybody: told one person after the other, a [`Backlog`] that requests write down.
//!
//! Everybody's channel has no log, and people's own have one: so a durable event for everybody is one for each account that
//! is signed in somewhere. Nobody else could be told later, for whoever signs in afterwards begins with the state of things.

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
    jobs::{Backlog, Job, work_off},
    time::Time,
};

/// People who are told in one transaction: half as many as one request can name.
pub(super) const BATCH: usize = 500;
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
        work_off::<Self>(app).await
    }
}

impl Backlog for TellEverybody {
    type Waiting = Waiting;
    /// It is also the pace: 2,000 people a second leave the log, Redis and the gateways to others.
    const BATCHES_MAX: usize = 4;

    async fn lock_next(db: &Connection, now: Time) -> Result<Option<Waiting>, Error> {
        queries::lock_next(db, now).await
    }

    async fn do_batch(tx: &mut Tx, waiting: &Waiting) -> Result<(), Error> {
        tell_batch(tx, waiting).await
    }

    async fn postpone(db: &Connection, waiting: &Waiting, now: Time) -> Result<(), Error> {
        queries::postpone(db, waiting.event, now).await
    }
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
