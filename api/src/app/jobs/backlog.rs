//! Work that waits in a table, and is done in batches that a crash can come between.
//!
//! A change writes down beside itself, in its own transaction, what is to be done. A job takes the oldest piece of it, does
//! the next batch, and moves the mark of how far it has come, all in one transaction: a pod that dies leaves the batch undone
//! or done, never half. The job runs where its lease is held; if a pod loses that unnoticed, the lock on the piece keeps the
//! two apart.

use std::future::Future;

use crate::app::{
    App,
    db::{Connection, Tx},
    error::Error,
    time::Time,
};

/// A kind of work that waits.
pub trait Backlog {
    /// A piece of it.
    type Waiting: Send + Sync;
    /// Batches of a run, so that the lease is renewed between them.
    const BATCHES_MAX: usize;

    /// Locks the oldest piece that is due and that nobody else works on.
    fn lock_next(
        db: &Connection,
        now: Time,
    ) -> impl Future<Output = Result<Option<Self::Waiting>, Error>> + Send;

    /// Does the next batch of a piece, and marks that it was done.
    fn do_batch(
        tx: &mut Tx,
        waiting: &Self::Waiting,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Lets others go first after a failure.
    fn postpone(
        db: &Connection,
        waiting: &Self::Waiting,
        now: Time,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Does as much of it as a run may.
///
/// # Errors
///
/// The first batch's that fails; its piece is postponed.
pub async fn work_off<B: Backlog>(app: &App) -> Result<(), Error> {
    for _ in 0..B::BATCHES_MAX {
        if !do_some::<B>(app).await? {
            break;
        }
    }
    Ok(())
}

/// Does a batch; false if nothing is due.
async fn do_some<B: Backlog>(app: &App) -> Result<bool, Error> {
    let mut tx = app.begin().await?;
    let Some(waiting) = B::lock_next(&tx, app.now()).await? else {
        return Ok(false);
    };
    let done = match B::do_batch(&mut tx, &waiting).await {
        Ok(()) => tx.commit().await,
        Err(error) => {
            drop(tx);
            Err(error)
        }
    };
    if let Err(error) = done {
        B::postpone(&app.read().await?, &waiting, app.now()).await?;
        return Err(error);
    }
    Ok(true)
}
