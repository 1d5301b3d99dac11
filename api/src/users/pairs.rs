//! What holds between two people, whoever of the two is asked.

use shared::ids::UserId;

use crate::app::{
    db::{Connection, Tx},
    error::Error,
};

// A lock on the two people, not on a row: there is none yet where it matters most.
pub(super) const LOCK_PAIR: &str = "
select pg_advisory_xact_lock(
    hashtextextended('pair ' || least($1::bigint, $2::bigint) || ' ' || greatest($1::bigint, $2::bigint), 0)
)";

/// Waits until nobody else changes what these two are to each other: follows, friendship and blocks, either way. Held to
/// the transaction's end, so that whatever is read after it stays true until then.
pub async fn lock_pair(tx: &Tx, one: UserId, other: UserId) -> Result<(), Error> {
    tx.execute(LOCK_PAIR, &[&one.get(), &other.get()]).await?;
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
