//! Follows: one way, from a follower to a followee.
//!
//! A public account is followed at once; a private one is asked, and accepts or rejects; when it becomes public, whoever
//! has asked follows it. Two people have at most one row
//! between them in each direction (`follow_unique`), nobody has one to oneself (`user_cannot_follow_self`), and only an
//! accepted one opens anything: what, is said by [`users::may_see`](crate::users::may_see).

mod change;
mod events;
mod notifications;
mod queries;
mod routes;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Serialize;
use shared::{ids::UserId, wire::Code};

use crate::app::{
    db::{Connection, Tx},
    error::Error,
    feature::Feature,
    notification_type::Answered,
};

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "follows",
        routes: routes::routes(),
        notification_types: notifications::TYPES,
        events: &[events::FOLLOW_REQUEST],
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}

/// What somebody is to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// An accepted follower.
    Following,
    /// Has asked.
    Requested,
    /// Neither.
    #[serde(rename = "none")]
    NotFollowing,
}

/// Two different people, of whom one follows the other, or might.
#[derive(Debug, Clone, Copy)]
struct Pair {
    follower: UserId,
    followee: UserId,
}

impl Pair {
    fn new(follower: UserId, followee: UserId) -> Result<Self, Error> {
        if follower == followee {
            let detail = "nobody follows oneself";
            return Err(Error::new(Code::SelfNotAllowed, detail));
        }
        Ok(Self { follower, followee })
    }
}

/// Whether the one is an accepted follower of the other.
pub async fn follows(db: &Connection, follower: UserId, followee: UserId) -> Result<bool, Error> {
    queries::is_follower(db, follower, followee).await
}

/// The newest followers of an account, at most `most`.
pub async fn newest_followers(
    db: &Connection,
    followee: UserId,
    most: i64,
) -> Result<Vec<UserId>, Error> {
    queries::newest_followers(db, followee, most).await
}

/// Ends whatever there is between two people, either way, requests too. The caller holds the pair
/// ([`users::lock_pair`](crate::users::lock_pair)).
pub async fn end_both_ways(tx: &mut Tx, one: UserId, other: UserId) -> Result<(), Error> {
    for (follower, followee) in [(one, other), (other, one)] {
        change::end(tx, Pair { follower, followee }).await?;
    }
    Ok(())
}

async fn answer(tx: &mut Tx, answered: Answered) -> Result<(), Error> {
    let pair = Pair::new(answered.actor, answered.recipient)?;
    change::answer(tx, pair, answered.answer).await?;
    Ok(())
}
