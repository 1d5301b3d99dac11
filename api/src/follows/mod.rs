//! Follows: one way, from a follower to a followee.
//!
//! A public account is followed at once; a private one is asked, and accepts or rejects. Two people have at most one row
//! between them in each direction (`follow_unique`), nobody has one to oneself (`user_cannot_follow_self`), and only an
//! accepted one opens anything: what, is said by [`users::may_see`](crate::users::may_see).

mod change;
mod events;
mod notifications;
mod queries;
mod routes;

#[cfg(test)]
mod tests;

use serde::Serialize;
use shared::{ids::UserId, wire::Code};

use crate::app::{db::Connection, error::Error, feature::Feature};

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "follows",
        routes: routes::routes(),
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}

/// What somebody is to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
