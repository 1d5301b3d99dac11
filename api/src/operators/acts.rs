//! The acts, whoever does them: an admin, or an operator at a terminal.

use serde_json::{Value, json};
use shared::{
    connections::{Disconnect, Name, OpenConnection, open_connections},
    credentials::Role,
    ids::UserId,
    wire::{Channel, Class, Ephemeral, kind},
};

use crate::{
    app::{App, db::Tx, error::Error},
    audit::{self, Act},
    auth::moderation,
};

/// Ends an account's sessions and lets it in no more.
///
/// # Errors
///
/// `not_found`.
pub async fn suspend(tx: &mut Tx, actor: Option<UserId>, account: UserId) -> Result<(), Error> {
    moderation::suspend(tx, account).await?;
    note(tx, (actor, "user_suspended", account), json!({})).await
}

/// Lets it in again.
///
/// # Errors
///
/// `not_found`.
pub async fn unsuspend(tx: &Tx, actor: Option<UserId>, account: UserId) -> Result<(), Error> {
    moderation::unsuspend(tx, account).await?;
    note(tx, (actor, "user_unsuspended", account), json!({})).await
}

/// Gives it a role.
///
/// # Errors
///
/// `not_found`.
pub async fn set_role(
    tx: &mut Tx,
    actor: Option<UserId>,
    account: UserId,
    role: Role,
) -> Result<(), Error> {
    let before = moderation::set_role(tx, account, role).await?;
    let detail = json!({"before": before, "after": role});
    note(tx, (actor, "role_changed", account), detail).await
}

/// Closes an account's connections, or one of them, on all nodes. Its sessions stand: who is not wanted back is suspended.
pub async fn disconnect(
    tx: &mut Tx,
    actor: Option<UserId>,
    account: UserId,
    connection_id: Option<Name>,
) -> Result<(), Error> {
    let detail = json!({"connection_id": connection_id});
    note(tx, (actor, "user_disconnected", account), detail).await?;
    tx.ephemeral(&Ephemeral {
        channel: Channel::User(account),
        kind: kind::DISCONNECT,
        class: Class::Chatter,
        key: None,
        control: true,
        from: None,
        to: Some(account),
        group: None,
        data: &Disconnect { connection_id },
    })
}

/// The connections that an account has on all nodes, the oldest first.
///
/// # Errors
///
/// `unavailable` where Redis cannot be asked.
pub async fn connections(app: &App, account: UserId) -> Result<Vec<OpenConnection>, Error> {
    Ok(open_connections(app.bus(), account).await?)
}

async fn note(
    tx: &Tx,
    (actor, act, account): (Option<UserId>, &'static str, UserId),
    detail: Value,
) -> Result<(), Error> {
    let act = Act {
        actor,
        act,
        subject: format!("user:{account}"),
        detail,
    };
    audit::note(tx, act).await
}
