//! What holds between two people, whoever of the two is asked.

use shared::ids::UserId;

use crate::app::{
    db::{Connection, Tx},
    error::Error,
};

// Locks on people, not on rows: there are none yet where it matters most. The pair is held alone, the followers of each of
// the two are shared with all other pairs: only `lock_followers` keeps them out.
pub(super) const LOCK_PAIR: &str = "
select
    pg_advisory_xact_lock(hashtextextended('pair ' || one || ' ' || other, 0)),
    pg_advisory_xact_lock_shared(hashtextextended('followers ' || one, 0)),
    pg_advisory_xact_lock_shared(hashtextextended('followers ' || other, 0))
from (select least($1::bigint, $2::bigint) as one, greatest($1::bigint, $2::bigint) as other) pair";

/// Waits until nobody else changes what these two are to each other: follows, friendship and blocks, either way, and
/// whether one may follow them unasked. Held to the transaction's end, so that whatever is read after it stays true until
/// then. First of all locks of its transaction.
pub async fn lock_pair(tx: &Tx, one: UserId, other: UserId) -> Result<(), Error> {
    tx.execute(LOCK_PAIR, &[&one.get(), &other.get()]).await?;
    Ok(())
}

pub(super) const LOCK_FOLLOWERS: &str = "
select pg_advisory_xact_lock(hashtextextended('followers ' || $1::bigint, 0))";

/// Waits until nobody changes what anybody is to this account, as [`lock_pair`] does for two people: for what makes
/// followers of all who have asked.
pub(super) async fn lock_followers(tx: &Tx, account: UserId) -> Result<(), Error> {
    tx.execute(LOCK_FOLLOWERS, &[&account.get()]).await?;
    Ok(())
}

pub(super) const IS_SILENCED: &str = "
select exists (select from mutes where muter_id = $1 and muted_id = $2)
    or exists (select from blocks where blocker_id = $1 and blocked_id = $2)
    or exists (select from blocks where blocker_id = $2 and blocked_id = $1)";

/// Whether the recipient is not to be told of the actor's acts: muted by the recipient, or blocked either way.
pub async fn is_silenced(db: &Connection, recipient: UserId, actor: UserId) -> Result<bool, Error> {
    db.query_one(IS_SILENCED, &[&recipient.get(), &actor.get()])
        .await
}
