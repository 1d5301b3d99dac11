//! Profiles: who people are, as they want to be seen, and how others find them.
//!
//! The account behind a profile (log-in, sessions, email) is [`auth`](crate::auth)'s. What a private account shows to whom
//! is decided by the follows; a profile itself is visible to everybody who is signed in, so that one can ask to follow.

mod person;
mod queries;
mod routes;
#[cfg(test)]
mod tests;
mod visibility;

use axum::{
    Router,
    routing::{get, patch},
};
use shared::ids::UserId;

pub(crate) use person::person_columns;
pub use person::{Person, find_people, find_person};
pub(crate) use visibility::may_see_account;

use crate::app::{db::Connection, error::Error, feature::Feature};

/// What `users` registers.
pub fn feature() -> Feature {
    Feature {
        name: "users",
        routes: Router::new()
            .route("/users/me", patch(routes::update_profile))
            .route("/users/{id}", get(routes::find_profile))
            .route("/search", get(routes::search)),
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}

/// Whether somebody may write to somebody straight away: the recipient's account is public, or the recipient follows the
/// sender. `not_found` where there is no such recipient.
pub async fn may_contact(
    connection: &Connection,
    sender: UserId,
    recipient: UserId,
) -> Result<bool, Error> {
    let may = queries::may_contact(connection, sender, recipient).await?;
    may.ok_or_else(|| Error::not_found("user"))
}

/// Whether somebody may see what an account shows: the account is public, or their own, or it has accepted them as a
/// follower. False also where there is no such account.
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
