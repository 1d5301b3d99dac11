//! Statements on accounts.

use shared::ids::UserId;

use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Row},
        error::Error,
        time::Time,
    },
    auth::account::AccountView,
};

macro_rules! account_columns {
    () => {
        "id, username, email, name, bio, avatar, is_private, invisible_since is not null as is_invisible, role, created_at"
    };
}

pub(super) const INSERT_USER: &str = concat!(
    "insert into users (username, email, password_hash, name, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $5)
    returning ",
    account_columns!()
);
/// For `api seed`, which may be run again.
pub(super) const INSERT_DEMO_USER: &str = "
    insert into users (username, email, password_hash, name, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $5)
    on conflict do nothing";
pub(super) const FIND_ACCOUNT: &str =
    concat!("select ", account_columns!(), " from users where id = $1");
/// `$1` is a username or an email address, in lower case. A username has no `@`, so it is one of them at most.
pub(super) const FIND_CREDENTIALS: &str = "
    select id, password_hash, suspended_at is not null as is_suspended
    from users where (username = $1 or lower(email) = $1) and deleted_at is null";
pub(super) const FIND_PASSWORD: &str = "select password_hash from users where id = $1";
// Not a change of what others see of the account, which `updated_at` tells everybody.
pub(super) const UPDATE_PASSWORD: &str = "
    update users set password_hash = $2 where id = $1";

/// A user to be.
pub(in crate::auth) struct NewUser<'a> {
    pub(in crate::auth) username: &'a str,
    pub(in crate::auth) email: &'a str,
    pub(in crate::auth) password_hash: &'a str,
    pub(in crate::auth) name: &'a str,
}

pub(in crate::auth) async fn insert_user(
    connection: &Connection,
    user: &NewUser<'_>,
    now: Time,
) -> Result<AccountView, Error> {
    connection
        .query_one(
            INSERT_USER,
            &[
                &user.username,
                &user.email,
                &user.password_hash,
                &user.name,
                &now.0,
            ],
        )
        .await
}

/// False where there is such a user already.
pub(in crate::auth) async fn insert_demo_user(
    connection: &Connection,
    user: &NewUser<'_>,
    now: Time,
) -> Result<bool, Error> {
    let inserted = connection
        .execute(
            INSERT_DEMO_USER,
            &[
                &user.username,
                &user.email,
                &user.password_hash,
                &user.name,
                &now.0,
            ],
        )
        .await?;
    Ok(inserted == 1)
}

/// The account of somebody who is there; `not_found` if there is none.
pub async fn find_account(connection: &Connection, id: UserId) -> Result<AccountView, Error> {
    let account = connection
        .query_optional(FIND_ACCOUNT, &[&id.get()])
        .await?;
    account.ok_or_else(|| Error::not_found("user"))
}

/// What a log-in is checked against.
pub(in crate::auth) struct Credentials {
    pub(in crate::auth) user_id: UserId,
    pub(in crate::auth) password_hash: String,
    pub(in crate::auth) is_suspended: bool,
}

impl FromRow for Credentials {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            user_id: row.get("id")?,
            password_hash: row.get("password_hash")?,
            is_suspended: row.get("is_suspended")?,
        })
    }
}

pub(in crate::auth) async fn find_credentials(
    connection: &Connection,
    login: &str,
) -> Result<Option<Credentials>, Error> {
    connection.query_optional(FIND_CREDENTIALS, &[&login]).await
}

pub(in crate::auth) async fn find_password_hash(
    connection: &Connection,
    id: UserId,
) -> Result<String, Error> {
    connection.query_one(FIND_PASSWORD, &[&id.get()]).await
}

pub(in crate::auth) async fn update_password(
    connection: &Connection,
    id: UserId,
    password_hash: &str,
) -> Result<(), Error> {
    connection
        .execute(UPDATE_PASSWORD, &[&id.get(), &password_hash])
        .await?;
    Ok(())
}
