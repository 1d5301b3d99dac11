//! Friends: two people who both wanted it.
//!
//! One asks, the other accepts or rejects; who asks somebody that has asked already, accepts. Two people have at most one
//! row between them, whoever asked (`friendship_unique`), so that requests which cross meet in it, and nobody has one with
//! oneself. What friendship opens is said by [`users::may_see`](crate::users::may_see) and
//! [`users::may_contact`](crate::users::may_contact).

mod change;
mod notifications;
mod queries;
mod routes;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Serialize;
use shared::{flags::Flag, ids::UserId, wire::Code};

use crate::app::{
    db::{Connection, Tx},
    error::Error,
    feature::Feature,
    notification_type::Answered,
};

/// Who has it.
pub static FLAG: Flag = Flag::on("friends", "Friends");

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "friends",
        routes: routes::routes().behind(&FLAG),
        flags: vec![&FLAG],
        notification_types: notifications::TYPES,
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}

/// What somebody is to somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// A friend.
    Friends,
    /// Has asked, and has no answer yet.
    Requested,
    /// Was asked, and has not answered yet.
    Asked,
    /// None of these.
    #[serde(rename = "none")]
    Strangers,
}

/// Two different people, seen from the first.
#[derive(Debug, Clone, Copy)]
struct Pair {
    me: UserId,
    other: UserId,
}

impl Pair {
    fn new(me: UserId, other: UserId) -> Result<Self, Error> {
        if me == other {
            let detail = "nobody is friends with oneself";
            return Err(Error::new(Code::SelfNotAllowed, detail));
        }
        Ok(Self { me, other })
    }
}

/// Whether two people are friends.
pub async fn are_friends(db: &Connection, one: UserId, other: UserId) -> Result<bool, Error> {
    let status = queries::find_status(db, Pair { me: one, other }).await?;
    Ok(status == Status::Friends)
}

/// Ends whatever there is between two people, requests too. The caller holds the pair
/// ([`users::lock_pair`](crate::users::lock_pair)).
pub async fn end(tx: &mut Tx, one: UserId, other: UserId) -> Result<(), Error> {
    change::end(tx, Pair { me: one, other }).await
}

async fn answer(tx: &mut Tx, answered: Answered) -> Result<(), Error> {
    let pair = Pair::new(answered.recipient, answered.actor)?;
    change::answer(tx, pair, answered.answer).await?;
    Ok(())
}
