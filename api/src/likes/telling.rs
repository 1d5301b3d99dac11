//! Telling the author of likes, also when thousands like at once.
//!
//! What the author hears is one durable stream, and one notification that counts: whoever adds to them waits for who did so
//! before. So only one like of a post is told where it happens; likes that meet it leave a note in their own transaction
//! instead, wait for nobody, and a job tells the author of all of them, in order, many in one transaction.

use std::time::Duration;

use shared::ids::{PostId, UserId};

use super::{events, notifications, queries};
use crate::{
    app::{App, db::Tx, error::Error, jobs::Job},
    posts::Visible,
    users,
};

/// Likes that are told in one transaction.
const BATCH: i64 = 200;
/// Transactions of one run; what is left is told by the next.
const BATCHES_MAX: usize = 20;

/// Tells the author of a new like, now or very soon.
pub(super) async fn tell(
    tx: &mut Tx,
    (post, visible): (PostId, Visible),
    person: UserId,
) -> Result<(), Error> {
    if visible.author == person {
        return Ok(());
    }
    if queries::try_lock_telling(tx, post).await? {
        tell_now(tx, (post, visible), person).await
    } else {
        queries::leave_untold(tx, post, person).await
    }
}

async fn tell_now(
    tx: &mut Tx,
    (post, visible): (PostId, Visible),
    person: UserId,
) -> Result<(), Error> {
    notifications::like(tx, (post, visible.author), person).await?;
    // What was left may be told after a block.
    if visible.is_activity && !users::is_silenced(tx, visible.author, person).await? {
        events::activity_liked(tx, (post, visible.author), person)?;
    }
    Ok(())
}

/// The job that tells of what was left.
#[derive(Debug, Default)]
pub(crate) struct TellLikes;

impl Job for TellLikes {
    const NAME: &'static str = "tell_likes";
    const EVERY: Duration = Duration::from_secs(1);

    async fn run(&mut self, app: &App) -> Result<(), Error> {
        for _ in 0..BATCHES_MAX {
            let Some(post) = queries::find_untold(&app.read().await?).await? else {
                break;
            };
            tell_left(app, post).await?;
        }
        Ok(())
    }
}

async fn tell_left(app: &App, post: PostId) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    queries::lock_telling(&tx, post).await?;
    for left in queries::take_untold(&tx, post, BATCH).await? {
        tell_now(&mut tx, (post, left.post), left.person).await?;
    }
    tx.commit().await
}
