//! What operators do about accounts. Whatever an account had open ends with the transaction that takes the right to it.

use shared::{credentials::Role, ids::UserId};

use super::{queries, sessions};
use crate::app::{
    access::account_changed,
    db::{Connection, Tx},
    error::Error,
};

/// Suspends an account: its sessions end, it cannot log in, and to others it is not there. Once more changes nothing.
///
/// # Errors
///
/// `not_found`.
pub async fn suspend(tx: &mut Tx, account: UserId) -> Result<(), Error> {
    require_account(queries::suspend(tx, account, tx.now()).await?)?;
    end_sessions(tx, account).await?;
    account_changed(tx, account)
}

/// Lets a suspended account in again; whoever has it logs in anew.
///
/// # Errors
///
/// `not_found`.
pub async fn unsuspend(tx: &Tx, account: UserId) -> Result<(), Error> {
    require_account(queries::unsuspend(tx, account).await?)
}

/// Gives an account a role, and returns the one before. Tokens bear the role of when they were made, so the sessions of one that may less end.
///
/// # Errors
///
/// `not_found`.
pub async fn set_role(tx: &mut Tx, account: UserId, role: Role) -> Result<Role, Error> {
    let before = queries::lock_role(tx, account).await?;
    let before = before.ok_or_else(|| Error::not_found("user"))?;
    queries::set_role(tx, account, role).await?;
    if before != role && before != Role::User {
        end_sessions(tx, account).await?;
    }
    Ok(before)
}

/// Ends all sessions of an account, with their sockets.
pub async fn end_sessions(tx: &mut Tx, account: UserId) -> Result<(), Error> {
    sessions::revoke(tx, account, None, None).await?;
    Ok(())
}

/// Refuses where there is no such account.
///
/// # Errors
///
/// `not_found`.
pub async fn require(connection: &Connection, account: UserId) -> Result<(), Error> {
    require_account(queries::is_account(connection, account).await?)
}

/// Whose name it is.
///
/// # Errors
///
/// `not_found`.
pub async fn find_by_name(tx: &Tx, username: &str) -> Result<UserId, Error> {
    let account = queries::find_by_name(tx, username).await?;
    account.ok_or_else(|| Error::not_found("user"))
}

fn require_account(is_there: bool) -> Result<(), Error> {
    if is_there {
        Ok(())
    } else {
        Err(Error::not_found("user"))
    }
}
