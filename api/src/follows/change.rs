//! Changing who follows whom. Changes of one pair happen one after the other, so that each is told what is true.

use super::{Pair, Status, events, notifications, queries};
use crate::{
    app::{
        App, access::access_changed, db::Tx, error::Error, notification_type::Answer, time::Time,
    },
    users::{self, Contact},
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
    users::lock_pair(&tx, pair.follower, pair.followee).await?;
    let before = queries::find_status(&tx, pair).await?;
    let before = before.ok_or_else(|| Error::not_found("user"))?;
    let contact = Contact::before(&tx, pair.follower, pair.followee).await?;
    let wants = match wish {
        Wish::Follow => true,
        Wish::Unfollow => false,
        Wish::Toggle => before == Status::NotFollowing,
    };
    let after = match (before, wants) {
        (Status::NotFollowing, true) => follow(&mut tx, pair, app.now()).await?,
        (Status::Following | Status::Requested, true) => before,
        (_, false) => {
            end(&mut tx, pair).await?;
            if before == Status::Following {
                access_changed(&mut tx, &[pair.follower])?;
                users::feed_update_available(&mut tx, pair.follower)?;
            }
            Status::NotFollowing
        }
    };
    contact.tell(&mut tx).await?;
    tx.commit().await?;
    Ok(after)
}

async fn follow(tx: &mut Tx, pair: Pair, now: Time) -> Result<Status, Error> {
    let status = queries::insert_follow(tx, pair, now).await?;
    let status = status.ok_or_else(|| Error::not_found("user"))?;
    let follower = users::find_person(tx, pair.follower).await?;
    if status == Status::Requested {
        if !users::is_silenced(tx, pair.followee, pair.follower).await? {
            events::follow_request(tx, pair, &follower)?;
        }
        notifications::follow_request(tx, pair, &follower).await?;
    } else {
        notifications::follow(tx, pair, &follower).await?;
        users::feed_update_available(tx, pair.follower)?;
    }
    Ok(status)
}

/// Accepts or rejects, and says what the one who asked is afterwards. A request that is not there, or not any more, is not
/// found.
pub(super) async fn answer(tx: &mut Tx, pair: Pair, answer: Answer) -> Result<Status, Error> {
    users::lock_pair(tx, pair.follower, pair.followee).await?;
    let contact = Contact::before(tx, pair.follower, pair.followee).await?;
    let (done, status) = match answer {
        Answer::Accept => (queries::accept_request(tx, pair).await?, Status::Following),
        Answer::Reject => (
            queries::reject_request(tx, pair).await?,
            Status::NotFollowing,
        ),
    };
    if !done {
        return Err(Error::not_found("follow request"));
    }
    notifications::settle_request(tx, pair).await?;
    if status == Status::Following {
        users::feed_update_available(tx, pair.follower)?;
    }
    contact.tell(tx).await?;
    Ok(status)
}

/// Ends a follow, or takes a request back; where there is neither, nothing changes.
pub(super) async fn end(tx: &mut Tx, pair: Pair) -> Result<(), Error> {
    queries::delete_follow(tx, pair).await?;
    notifications::settle_request(tx, pair).await
}
