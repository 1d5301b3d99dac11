//! Mutes: whose acts somebody does not want to be told of.
//!
//! A mute silences notifications, from the commit on, and nothing else: what the two see of each other and may do stays as
//! it is. The muted one cannot tell.

mod queries;
mod routes;

#[cfg(test)]
mod tests;

use shared::{ids::UserId, wire::Code};

use crate::{
    app::{App, error::Error, feature::Feature},
    users,
};

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "mutes",
        routes: routes::routes(),
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}

/// Two different people, of whom one mutes the other, or might.
#[derive(Debug, Clone, Copy)]
struct Pair {
    muter: UserId,
    muted: UserId,
}

impl Pair {
    fn new(muter: UserId, muted: UserId) -> Result<Self, Error> {
        if muter == muted {
            let detail = "nobody mutes oneself";
            return Err(Error::new(Code::SelfNotAllowed, detail));
        }
        Ok(Self { muter, muted })
    }
}

/// Silences the other; once more changes nothing.
async fn mute(app: &App, pair: Pair) -> Result<(), Error> {
    let tx = app.begin().await?;
    users::require_known(&tx, pair.muter, pair.muted).await?;
    queries::insert_mute(&tx, pair, tx.now()).await?;
    tx.commit().await
}

/// Hears of the other again.
async fn unmute(app: &App, pair: Pair) -> Result<(), Error> {
    let tx = app.begin().await?;
    users::require_known(&tx, pair.muter, pair.muted).await?;
    queries::delete_mute(&tx, pair).await?;
    tx.commit().await
}
