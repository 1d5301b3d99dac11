//! Statements about the table `blocks`.

use shared::ids::UserId;

use super::Pair;
use crate::app::{db::Connection, error::Error, time::Time};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[HAS_ACCOUNT, INSERT_BLOCK, DELETE_BLOCK];

const HAS_ACCOUNT: &str = "
select exists (select from users where id = $1 and deleted_at is null)";

/// Whether there is such an account, suspended or blocking though it may be.
pub(super) async fn has_account(db: &Connection, user: UserId) -> Result<bool, Error> {
    db.query_one(HAS_ACCOUNT, &[&user.get()]).await
}

const INSERT_BLOCK: &str = "
insert into blocks (blocker_id, blocked_id, created_at)
values ($1, $2, $3)
on conflict on constraint block_unique do nothing";

/// Stores a block; false if it was there.
pub(super) async fn insert_block(db: &Connection, pair: Pair, now: Time) -> Result<bool, Error> {
    let (blocker, blocked) = (pair.blocker.get(), pair.blocked.get());
    let inserted = db
        .execute(INSERT_BLOCK, &[&blocker, &blocked, &now.0])
        .await?;
    Ok(inserted == 1)
}

const DELETE_BLOCK: &str = "
delete from blocks
where blocker_id = $1 and blocked_id = $2";

/// Takes a block back; false if there was none.
pub(super) async fn delete_block(db: &Connection, pair: Pair) -> Result<bool, Error> {
    let (blocker, blocked) = (pair.blocker.get(), pair.blocked.get());
    Ok(db.execute(DELETE_BLOCK, &[&blocker, &blocked]).await? == 1)
}
