//! Taking away what closed accounts did, step by step.

use std::time::Duration;

use shared::ids::UserId;

use super::queries::{self, STEPS};
use crate::{
    app::{App, error::Error, jobs::Job},
    auth::moderation,
    groups,
};

/// Rows of one step, which is a transaction.
const ROWS: i64 = 1000;
/// Steps of one kind in one run; what is left is left to the next.
const STEPS_MAX: usize = 20;

/// The job.
#[derive(Debug, Default)]
pub(super) struct EmptyAccounts;

impl Job for EmptyAccounts {
    const NAME: &'static str = "empty_accounts";
    const EVERY: Duration = Duration::from_secs(1);

    async fn run(&mut self, app: &App) -> Result<(), Error> {
        let accounts = queries::list_to_empty(&app.read().await?).await?;
        for account in accounts {
            if empty(app, account).await? {
                finish(app, account).await?;
            }
        }
        Ok(())
    }
}

/// Whether nothing is left.
async fn empty(app: &App, account: UserId) -> Result<bool, Error> {
    let mut is_empty = true;
    for statement in STEPS {
        is_empty &= take_away(app, statement, account).await?;
    }
    Ok(is_empty)
}

async fn take_away(app: &App, statement: &'static str, account: UserId) -> Result<bool, Error> {
    for _ in 0..STEPS_MAX {
        let db = app.read().await?;
        if db.execute(statement, &[&account.get(), &ROWS]).await? == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What another device began at the very moment of the closing ends here: a log-in, a joining of a group, a comment.
async fn finish(app: &App, account: UserId) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    groups::leave_all(&mut tx, account).await?;
    moderation::end_sessions(&mut tx, account).await?;
    queries::hold(&tx, account).await?;
    let mut is_empty = true;
    for statement in STEPS {
        is_empty &= tx.execute(statement, &[&account.get(), &ROWS]).await? == 0;
    }
    // What is left may be more than one step of each kind: the next run sees.
    if is_empty {
        queries::finish(&tx, account, tx.now()).await?;
    }
    tx.commit().await
}
