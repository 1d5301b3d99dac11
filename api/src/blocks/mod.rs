//! Blocks: neither of the two is there for the other any more, whoever of them blocks.
//!
//! A block ends follows, friendship and requests between the two, either way, in the transaction that stores it; lifting it
//! brings nothing back. Whatever else it cuts off (profiles, lists, feeds, search, comments, counts, messages,
//! notifications) is not changed but asked: by the conditions in `users/visibility.rs`, so that it holds from the commit
//! on, everywhere at once.
//!
//! What is under way while a block is stored was done before it: a like, a comment or a message of that moment is stored, and
//! cut off with all the others. What is told later, because it was left to a job, is asked about again then.
//!
//! Both may block each other. Whoever is blocked may block back, though the other's profile is not there for them: else a
//! block could be lifted just long enough to write something.

mod queries;
mod routes;

#[cfg(test)]
mod tests;

use shared::{ids::UserId, wire::Code};

use crate::{
    app::{App, access::access_changed, db::Connection, error::Error, feature::Feature},
    follows, friends,
    users::{self, Contact},
};

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "blocks",
        routes: routes::routes(),
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}

/// Two different people, of whom one blocks the other, or might.
#[derive(Debug, Clone, Copy)]
struct Pair {
    blocker: UserId,
    blocked: UserId,
}

impl Pair {
    fn new(blocker: UserId, blocked: UserId) -> Result<Self, Error> {
        if blocker == blocked {
            let detail = "nobody blocks oneself";
            return Err(Error::new(Code::SelfNotAllowed, detail));
        }
        Ok(Self { blocker, blocked })
    }
}

/// Cuts the two off from each other; once more changes nothing.
async fn block(app: &App, pair: Pair) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    // Whoever is becoming a follower or a friend of the other at this moment has done so before, and ceases to be.
    users::lock_pair(&tx, pair.blocker, pair.blocked).await?;
    require_account(&tx, pair).await?;
    let contact = Contact::before(&tx, pair.blocker, pair.blocked).await?;
    let is_new = queries::insert_block(&tx, pair, tx.now()).await?;
    follows::end_both_ways(&mut tx, pair.blocker, pair.blocked).await?;
    friends::end(&mut tx, pair.blocker, pair.blocked).await?;
    contact.tell(&mut tx).await?;
    if is_new {
        access_changed(&mut tx, &[pair.blocker, pair.blocked])?;
    }
    tx.commit().await
}

/// Takes the blocker's own block back; the other's stays.
async fn unblock(app: &App, pair: Pair) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    users::lock_pair(&tx, pair.blocker, pair.blocked).await?;
    require_account(&tx, pair).await?;
    if queries::delete_block(&tx, pair).await? {
        access_changed(&mut tx, &[pair.blocker, pair.blocked])?;
    }
    tx.commit().await
}

async fn require_account(db: &Connection, pair: Pair) -> Result<(), Error> {
    if queries::has_account(db, pair.blocked).await? {
        Ok(())
    } else {
        Err(Error::not_found("user"))
    }
}
