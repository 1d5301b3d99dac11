//! Becoming friends and ceasing to be. Changes of one pair happen one after the other, so that each is told what is true.

use super::{Pair, Status, notifications, queries};
use crate::{
    app::{App, access::access_changed, db::Tx, error::Error, notification_type::Answer},
    users::{self, Contact},
};

/// Asks the other to be friends, or accepts if the other has asked. Says what the two are afterwards; asking again
/// changes nothing.
pub(super) async fn request(app: &App, pair: Pair) -> Result<Status, Error> {
    let mut tx = app.begin().await?;
    users::lock_pair(&tx, pair.me, pair.other).await?;
    users::require_known(&tx, pair.me, pair.other).await?;
    let contact = Contact::before(&tx, pair.me, pair.other).await?;
    let status = match queries::find_status(&tx, pair).await? {
        unchanged @ (Status::Friends | Status::Requested) => unchanged,
        Status::Asked => accept(&mut tx, pair).await?,
        Status::Strangers => {
            queries::insert_request(&tx, pair, tx.now()).await?;
            notifications::friend_request(&mut tx, pair).await?;
            Status::Requested
        }
    };
    contact.tell(&mut tx).await?;
    tx.commit().await?;
    Ok(status)
}

/// Answers the other's request, and says what the two are afterwards. A request that is not there, or not any more, is not
/// found.
pub(super) async fn answer(tx: &mut Tx, pair: Pair, answer: Answer) -> Result<Status, Error> {
    users::lock_pair(tx, pair.me, pair.other).await?;
    if queries::find_status(tx, pair).await? != Status::Asked {
        return Err(Error::not_found("friend request"));
    }
    let contact = Contact::before(tx, pair.me, pair.other).await?;
    let status = match answer {
        Answer::Accept => accept(tx, pair).await?,
        Answer::Reject => {
            end(tx, pair).await?;
            Status::Strangers
        }
    };
    contact.tell(tx).await?;
    Ok(status)
}

async fn accept(tx: &mut Tx, pair: Pair) -> Result<Status, Error> {
    queries::accept_request(tx, pair, tx.now()).await?;
    notifications::settle_requests(tx, pair).await?;
    notifications::friend_accepted(tx, pair).await?;
    feeds_changed(tx, pair)?;
    Ok(Status::Friends)
}

/// Ends a friendship, or takes a request back; where there is neither, nothing changes. The other is not told.
pub(super) async fn remove(app: &App, pair: Pair) -> Result<Status, Error> {
    let mut tx = app.begin().await?;
    users::lock_pair(&tx, pair.me, pair.other).await?;
    users::require_known(&tx, pair.me, pair.other).await?;
    let before = queries::find_status(&tx, pair).await?;
    let contact = Contact::before(&tx, pair.me, pair.other).await?;
    end(&mut tx, pair).await?;
    contact.tell(&mut tx).await?;
    if before == Status::Friends {
        access_changed(&mut tx, &[pair.me, pair.other])?;
        feeds_changed(&mut tx, pair)?;
    }
    tx.commit().await?;
    Ok(Status::Strangers)
}

/// Ends whatever there is between the two, a request of either too.
pub(super) async fn end(tx: &mut Tx, pair: Pair) -> Result<(), Error> {
    queries::delete_friendship(tx, pair).await?;
    notifications::settle_requests(tx, pair).await
}

/// Friends' posts are in each other's feeds.
fn feeds_changed(tx: &mut Tx, pair: Pair) -> Result<(), Error> {
    users::feed_update_available(tx, pair.me)?;
    users::feed_update_available(tx, pair.other)
}
