//! Closing an account, for good, by whoever has it.
//!
//! - With the transaction that closes it, the account is not there for anybody: its sessions end, nobody finds it, sees its
//!   posts and comments, or writes to it. It leaves its groups; one that it owned goes to the admin, else the member, who
//!   has been there longest, and is deleted where there is nobody else.
//! - What it did (posts, comments, likes, reactions, follows, friendships, requests) is taken away in small steps by a job
//!   right after, so that an account with a million likes closes as fast as any other. Counts follow.
//! - Messages stay, because they belong to those who received them too; the row stays because they name it, without
//!   anything in it: the name is `deleted_` and the id. The former name and the email address are free again.

mod empty;
mod queries;
mod routes;

#[cfg(test)]
mod tests;

use crate::app::{
    feature::Feature,
    jobs,
    openapi::{Routes, delete},
};

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "closing",
        routes: Routes::new().route("/users/me", delete(routes::close_account)),
        jobs: vec![jobs::start::<empty::EmptyAccounts>],
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
