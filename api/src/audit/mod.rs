//! What admins did: written by the transaction that does it, never changed, read by admins.

mod queries;
mod routes;

use serde_json::Value;
use shared::ids::UserId;

use crate::app::{db::Tx, error::Error, feature::Feature};

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "audit",
        routes: routes::routes(),
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}

/// Something that an admin does.
#[derive(Debug)]
pub struct Act {
    /// Who; `None` for an operator at a terminal.
    pub actor: Option<UserId>,
    /// What, such as `flag_changed`.
    pub act: &'static str,
    /// To what, such as `flag:likes` or `user:7`.
    pub subject: String,
    /// How. No secrets, and no texts that people wrote to each other.
    pub detail: Value,
}

/// Writes an act down; it is there if and only if the transaction is committed.
pub async fn note(tx: &Tx, act: Act) -> Result<(), Error> {
    queries::insert(tx, &act, tx.now()).await
}
