//! Profiles: who people are, as they want to be seen, and how others find them.
//!
//! The account behind a profile (log-in, sessions, email) is [`auth`](crate::auth)'s.
//!
//! Who may know of whom, who may see what, and who may write to whom is asked here ([`may_meet`], [`may_see`],
//! [`may_contact`]) and said in one place, `visibility.rs`. A private account can be known of, so that one can ask to follow
//! it; between two people of whom one blocks the other, neither is there for the other.

mod contacts;
mod feed_notice;
mod pairs;
mod person;
mod queries;
mod routes;
mod search;
#[cfg(test)]
mod tests;
mod visibility;
#[cfg(test)]
mod visibility_tests;

use shared::ids::UserId;

pub use contacts::Contact;
pub use feed_notice::feed_update_available;
pub use pairs::{is_silenced, lock_pair};
pub(crate) use person::person_columns;
pub use person::{Person, find_people, find_person};
pub(crate) use visibility::{
    blocked_people, is_contact_of_account, is_friend_of_account, may_meet_account, may_see_account,
};

use crate::app::{
    db::Connection,
    error::Error,
    feature::Feature,
    openapi::{Routes, get, patch},
};

/// What `users` registers.
pub fn feature() -> Feature {
    Feature {
        name: "users",
        routes: Routes::new()
            .route("/users/me", patch(routes::update_profile))
            .route("/users/{id}", get(routes::find_profile))
            .route("/search", get(routes::search)),
        events: &[
            contacts::INVISIBILITY_CHANGED,
            contacts::CONTACTS_CHANGED,
            feed_notice::FEED_UPDATE_AVAILABLE,
        ],
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}

/// Whether somebody may write to somebody straight away: the two are friends, or the recipient follows the sender, or the
/// recipient's account is public. `not_found` where there is no such recipient for the sender ([`may_meet`]).
pub async fn may_contact(
    connection: &Connection,
    sender: UserId,
    recipient: UserId,
) -> Result<bool, Error> {
    let may = queries::may_contact(connection, sender, recipient).await?;
    may.ok_or_else(|| Error::not_found("user"))
}

/// Whether somebody may know of an account: it is their own, or it is neither closed nor suspended and neither blocks the
/// other. False also where there is no such account.
pub async fn may_meet(
    connection: &Connection,
    viewer: UserId,
    account: UserId,
) -> Result<bool, Error> {
    queries::may_meet(connection, viewer, account).await
}

/// Refuses, as if there were no such account, whoever may not know of it.
pub async fn require_known(
    connection: &Connection,
    viewer: UserId,
    account: UserId,
) -> Result<(), Error> {
    if may_meet(connection, viewer, account).await? {
        Ok(())
    } else {
        Err(Error::not_found("user"))
    }
}

/// Whether somebody may see what an account shows: they may know of it ([`may_meet`]), and it is public, or their own, or
/// it has accepted them as a follower, or the two are friends.
pub async fn may_see(
    connection: &Connection,
    viewer: UserId,
    account: UserId,
) -> Result<bool, Error> {
    queries::may_see(connection, viewer, account).await
}

/// Refuses, as if there were no such account, whoever may not see what it shows.
pub async fn require_visible(
    connection: &Connection,
    viewer: UserId,
    account: UserId,
) -> Result<(), Error> {
    if may_see(connection, viewer, account).await? {
        Ok(())
    } else {
        Err(Error::not_found("user"))
    }
}
