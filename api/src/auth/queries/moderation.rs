//! Statements of operators on accounts.

use shared::{credentials::Role, ids::UserId};

use crate::app::{db::Connection, error::Error, time::Time};

pub(super) const SUSPEND: &str = "
    update users set suspended_at = coalesce(suspended_at, $2)
    where id = $1 and deleted_at is null";
pub(super) const UNSUSPEND: &str = "
    update users set suspended_at = null
    where id = $1 and deleted_at is null";
pub(super) const LOCK_ROLE: &str = "
    select role from users
    where id = $1 and deleted_at is null
    for no key update";
pub(super) const SET_ROLE: &str = "update users set role = $2 where id = $1";
pub(super) const FIND_BY_NAME: &str = "
    select id from users
    where username = lower($1) and deleted_at is null";

pub(super) const IS_ACCOUNT: &str = "
    select exists (select from users where id = $1 and deleted_at is null)";

/// Whether there is such an account.
pub(in crate::auth) async fn is_account(
    connection: &Connection,
    account: UserId,
) -> Result<bool, Error> {
    connection.query_one(IS_ACCOUNT, &[&account.get()]).await
}

/// False where there is no such account.
pub(in crate::auth) async fn suspend(
    connection: &Connection,
    account: UserId,
    now: Time,
) -> Result<bool, Error> {
    let changed = connection
        .execute(SUSPEND, &[&account.get(), &now.0])
        .await?;
    Ok(changed == 1)
}

/// False where there is no such account.
pub(in crate::auth) async fn unsuspend(
    connection: &Connection,
    account: UserId,
) -> Result<bool, Error> {
    Ok(connection.execute(UNSUSPEND, &[&account.get()]).await? == 1)
}

/// The role, which nobody else changes before the transaction's end.
pub(in crate::auth) async fn lock_role(
    connection: &Connection,
    account: UserId,
) -> Result<Option<Role>, Error> {
    connection
        .query_optional(LOCK_ROLE, &[&account.get()])
        .await
}

pub(in crate::auth) async fn set_role(
    connection: &Connection,
    account: UserId,
    role: Role,
) -> Result<(), Error> {
    let role = match role {
        Role::User => "user",
        Role::Admin => "admin",
        Role::Service => "service",
    };
    connection
        .execute(SET_ROLE, &[&account.get(), &role])
        .await?;
    Ok(())
}

pub(in crate::auth) async fn find_by_name(
    connection: &Connection,
    username: &str,
) -> Result<Option<UserId>, Error> {
    connection.query_optional(FIND_BY_NAME, &[&username]).await
}
