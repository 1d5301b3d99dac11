//! Changing who follows whom. Changes of one pair happen one after the other, so that each is told what is true.

use super::{Pair, Status, events, notifications, queries};
use crate::{
    app::{App, db::Tx, error::Error, time::Time},
    users,
};

/// What somebody wants to be to an account.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wish {
    /// A follower, or asked to become one.
    Follow,
    /// Neither.
    Unfollow,
    /// The opposite of what is.
    Toggle,
}

/// Does what the follower wishes, and says what is afterwards.
pub(super) async fn change(app: &App, pair: Pair, wish: Wish) -> Result<Status, Error> {
    let mut tx = app.begin().await?;
    queries::lock_pair(&tx, pair).await?;
    let before = queries::find_status(&tx, pair).await?;
    let before = before.ok_or_else(|| Error::not_found("user"))?;
    let wants = match wish {
        Wish::Follow => true,
        Wish::Unfollow => false,
        Wish::Toggle => before == Status::NotFollowing,
    };
    let after = match (before, wants) {
        (Status::NotFollowing, true) => follow(&mut tx, pair, app.now()).await?,
        (Status::Following | Status::Requested, true) => before,
        (_, false) => {
            queries::delete_follow(&tx, pair).await?;
            Status::NotFollowing
        }
    };
    tx.commit().await?;
    Ok(after)
}

async fn follow(tx: &mut Tx, pair: Pair, now: Time) -> Result<Status, Error> {
    let status = queries::insert_follow(tx, pair, now).await?;
    let status = status.ok_or_else(|| Error::not_found("user"))?;
    let follower = users::find_person(tx, pair.follower).await?;
    if status == Status::Requested {
        events::follow_request(tx, pair, &follower)?;
        notifications::follow_request(tx, pair, &follower).await?;
    } else {
        notifications::follow(tx, pair, &follower).await?;
    }
    Ok(status)
}

/// What the owner of a private account does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decision {
    Accept,
    Reject,
}

/// Accepts or rejects, and says what the one who asked is afterwards. A request that is not there, or not any more, is not
/// found.
pub(super) async fn decide(app: &App, pair: Pair, decision: Decision) -> Result<Status, Error> {
    let tx = app.begin().await?;
    queries::lock_pair(&tx, pair).await?;
    let (done, status) = match decision {
        Decision::Accept => (queries::accept_request(&tx, pair).await?, Status::Following),
        Decision::Reject => (
            queries::reject_request(&tx, pair).await?,
            Status::NotFollowing,
        ),
    };
    if !done {
        return Err(Error::not_found("follow request"));
    }
    tx.commit().await?;
    Ok(status)
}
