//! Statements about the table `mutes`.

use super::Pair;
use crate::app::{db::Connection, error::Error, time::Time};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[INSERT_MUTE, DELETE_MUTE];

const INSERT_MUTE: &str = "
insert into mutes (muter_id, muted_id, created_at)
values ($1, $2, $3)
on conflict on constraint mute_unique do nothing";

/// Stores a mute, if it is not there.
pub(super) async fn insert_mute(db: &Connection, pair: Pair, now: Time) -> Result<(), Error> {
    db.execute(INSERT_MUTE, &[&pair.muter.get(), &pair.muted.get(), &now.0])
        .await?;
    Ok(())
}

const DELETE_MUTE: &str = "
delete from mutes
where muter_id = $1 and muted_id = $2";

/// Takes a mute back, if it is there.
pub(super) async fn delete_mute(db: &Connection, pair: Pair) -> Result<(), Error> {
    db.execute(DELETE_MUTE, &[&pair.muter.get(), &pair.muted.get()])
        .await?;
    Ok(())
}
