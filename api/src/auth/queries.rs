//! Statements on accounts, sessions and refresh tokens.

use shared::{
    credentials::Revocations,
    ids::{SessionId, UserId},
};

use super::account::AccountView;
use crate::app::{
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
    time::Time,
};

macro_rules! account_columns {
    () => {
        "id, username, email, name, bio, avatar, is_private, role, created_at"
    };
}

const INSERT_USER: &str = concat!(
    "insert into users (username, email, password_hash, name, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $5)
    returning ",
    account_columns!()
);
/// For `api seed`, which may be run again.
const INSERT_DEMO_USER: &str = "
    insert into users (username, email, password_hash, name, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $5)
    on conflict do nothing";
const FIND_ACCOUNT: &str = concat!("select ", account_columns!(), " from users where id = $1");
/// `$1` is a username or an email address, in lower case. A username has no `@`, so it is one of them at most.
const FIND_CREDENTIALS: &str = "
    select id, password_hash, suspended_at is not null as is_suspended
    from users where username = $1 or lower(email) = $1";
const FIND_PASSWORD: &str = "select password_hash from users where id = $1";
const UPDATE_PASSWORD: &str = "
    update users set password_hash = $2, updated_at = $3 where id = $1";
const INSERT_SESSION: &str = "
    insert into sessions (user_id, device, created_at, last_used_at, expires_at)
    values ($1, $2, $3, $3, $4)
    returning id";
const SET_COOKIE_HASH: &str = "update sessions set cookie_hash = $2 where id = $1";
const LIST_SESSIONS: &str = "
    select id, device, created_at, last_used_at, expires_at
    from sessions
    where user_id = $1 and revoked_at is null and expires_at > $2 and ($3::bigint is null or id < $3)
    order by id desc
    limit $4";
/// `$3` picks one session, `$4` spares one.
const REVOKE_SESSIONS: &str = "
    update sessions set revoked_at = $2
    where user_id = $1 and revoked_at is null
      and ($3::bigint is null or id = $3) and ($4::bigint is null or id <> $4)
    returning id";
const EXTEND_SESSION: &str = "
    update sessions set last_used_at = $2, expires_at = $3 where id = $1";
const INSERT_REFRESH_TOKEN: &str = "
    insert into refresh_tokens (hash, session_id, created_at) values ($1, $2, $3)";
const USE_REFRESH_TOKEN: &str = "
    update refresh_tokens set used_at = $2 where hash = $1 and used_at is null
    returning session_id";
const FIND_USED_REFRESH_TOKEN: &str = "
    select session_id, user_id
    from refresh_tokens join sessions on sessions.id = session_id
    where hash = $1";
const LIST_REVOKED_SINCE: &str = "select id from sessions where revoked_at > $1";
/// One statement counts an attempt for every subject; a window that is over starts anew.
const COUNT_ATTEMPT: &str = "
    insert into login_attempts as attempt (subject, attempts, window_ends_at)
    select subject, 1, $3 from unnest($1::text[]) as subject order by subject
    on conflict (subject) do update set
        attempts = case when attempt.window_ends_at <= $2 then 1 else attempt.attempts + 1 end,
        window_ends_at =
            case when attempt.window_ends_at <= $2 then excluded.window_ends_at else attempt.window_ends_at end
    returning subject, attempts, window_ends_at";
const TAKE_BACK_ATTEMPT: &str = "
    update login_attempts set attempts = attempts - 1
    where subject = any($1) and attempts > 0";
/// Marks of revoked sessions are made anew from these rows, so they outlive the marks.
const DELETE_ENDED_SESSIONS: &str = "
    delete from sessions
    where expires_at < $1::timestamptz - interval '2 days'
       or revoked_at < $1::timestamptz - interval '2 days'";
const DELETE_USED_REFRESH_TOKENS: &str = "
    delete from refresh_tokens where used_at < $1::timestamptz - interval '30 days'";
const DELETE_OLD_ATTEMPTS: &str = "delete from login_attempts where window_ends_at < $1";

/// Every statement, for the test that prepares them.
pub(super) const STATEMENTS: &[&str] = &[
    INSERT_USER,
    INSERT_DEMO_USER,
    FIND_ACCOUNT,
    FIND_CREDENTIALS,
    FIND_PASSWORD,
    UPDATE_PASSWORD,
    INSERT_SESSION,
    SET_COOKIE_HASH,
    LIST_SESSIONS,
    REVOKE_SESSIONS,
    EXTEND_SESSION,
    INSERT_REFRESH_TOKEN,
    USE_REFRESH_TOKEN,
    FIND_USED_REFRESH_TOKEN,
    LIST_REVOKED_SINCE,
    COUNT_ATTEMPT,
    TAKE_BACK_ATTEMPT,
    DELETE_ENDED_SESSIONS,
    DELETE_USED_REFRESH_TOKENS,
    DELETE_OLD_ATTEMPTS,
];

/// What deletes things that nobody needs any more.
pub(super) const HOUSEKEEPING: &[&str] = &[
    DELETE_ENDED_SESSIONS,
    DELETE_USED_REFRESH_TOKENS,
    DELETE_OLD_ATTEMPTS,
];

/// A user to be.
pub(super) struct NewUser<'a> {
    pub(super) username: &'a str,
    pub(super) email: &'a str,
    pub(super) password_hash: &'a str,
    pub(super) name: &'a str,
}

pub(super) async fn insert_user(
    connection: &Connection,
    user: &NewUser<'_>,
    now: Time,
) -> Result<AccountView, Error> {
    connection
        .query_one(
            INSERT_USER,
            &[&user.username, &user.email, &user.password_hash, &user.name, &now.0],
        )
        .await
}

/// False where there is such a user already.
pub(super) async fn insert_demo_user(
    connection: &Connection,
    user: &NewUser<'_>,
    now: Time,
) -> Result<bool, Error> {
    let inserted = connection
        .execute(
            INSERT_DEMO_USER,
            &[&user.username, &user.email, &user.password_hash, &user.name, &now.0],
        )
        .await?;
    Ok(inserted == 1)
}

pub(super) async fn find_account(
    connection: &Connection,
    id: UserId,
) -> Result<AccountView, Error> {
    let account = connection.query_optional(FIND_ACCOUNT, &[&id.get()]).await?;
    account.ok_or_else(|| Error::not_found("user"))
}

/// What a log-in is checked against.
pub(super) struct Credentials {
    pub(super) user_id: UserId,
    pub(super) password_hash: String,
    pub(super) is_suspended: bool,
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

pub(super) async fn find_credentials(
    connection: &Connection,
    login: &str,
) -> Result<Option<Credentials>, Error> {
    connection.query_optional(FIND_CREDENTIALS, &[&login]).await
}

pub(super) async fn find_password_hash(
    connection: &Connection,
    id: UserId,
) -> Result<String, Error> {
    connection.query_one(FIND_PASSWORD, &[&id.get()]).await
}

pub(super) async fn update_password(
    connection: &Connection,
    id: UserId,
    password_hash: &str,
    now: Time,
) -> Result<(), Error> {
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
        [&id.get(), &password_hash, &now.0];
    connection.execute(UPDATE_PASSWORD, &parameters).await?;
    Ok(())
}

pub(super) async fn insert_session(
    connection: &Connection,
    user_id: UserId,
    device: &str,
    now: Time,
    expires_at: Time,
) -> Result<SessionId, Error> {
    connection
        .query_one(
            INSERT_SESSION,
            &[&user_id.get(), &device, &now.0, &expires_at.0],
        )
        .await
}

pub(super) async fn set_cookie_hash(
    connection: &Connection,
    id: SessionId,
    hash: &[u8],
) -> Result<(), Error> {
    connection.execute(SET_COOKIE_HASH, &[&id.get(), &hash]).await?;
    Ok(())
}

/// A session as its owner sees it in the list.
pub(super) struct SessionRow {
    pub(super) id: SessionId,
    pub(super) device: String,
    pub(super) created_at: Time,
    pub(super) last_used_at: Time,
    pub(super) expires_at: Time,
}

impl FromRow for SessionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            device: row.get("device")?,
            created_at: row.get("created_at")?,
            last_used_at: row.get("last_used_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

/// Sessions that stand, newest first.
pub(super) async fn list_sessions(
    connection: &Connection,
    user_id: UserId,
    now: Time,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<SessionRow>, Error> {
    connection
        .query(LIST_SESSIONS, &[&user_id.get(), &now.0, &before, &limit])
        .await
}

/// Ends sessions; returns those that stood until now.
pub(super) async fn revoke_sessions(
    connection: &Connection,
    user_id: UserId,
    only: Option<SessionId>,
    except: Option<SessionId>,
    now: Time,
) -> Result<Vec<SessionId>, Error> {
    let (only, except) = (only.map(SessionId::get), except.map(SessionId::get));
    connection
        .query(REVOKE_SESSIONS, &[&user_id.get(), &now.0, &only, &except])
        .await
}

pub(super) async fn extend_session(
    connection: &Connection,
    id: SessionId,
    now: Time,
    expires_at: Time,
) -> Result<(), Error> {
    connection
        .execute(EXTEND_SESSION, &[&id.get(), &now.0, &expires_at.0])
        .await?;
    Ok(())
}

pub(super) async fn insert_refresh_token(
    connection: &Connection,
    hash: &[u8],
    session_id: SessionId,
    now: Time,
) -> Result<(), Error> {
    connection
        .execute(INSERT_REFRESH_TOKEN, &[&hash, &session_id.get(), &now.0])
        .await?;
    Ok(())
}

/// Uses up a token; `None` if there is none that is unused.
pub(super) async fn use_refresh_token(
    connection: &Connection,
    hash: &[u8],
    now: Time,
) -> Result<Option<SessionId>, Error> {
    connection
        .query_optional(USE_REFRESH_TOKEN, &[&hash, &now.0])
        .await
}

/// Whose token it was.
pub(super) struct TokenOwner {
    pub(super) session_id: SessionId,
    pub(super) user_id: UserId,
}

impl FromRow for TokenOwner {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            session_id: row.get("session_id")?,
            user_id: row.get("user_id")?,
        })
    }
}

pub(super) async fn find_used_refresh_token(
    connection: &Connection,
    hash: &[u8],
) -> Result<Option<TokenOwner>, Error> {
    connection
        .query_optional(FIND_USED_REFRESH_TOKEN, &[&hash])
        .await
}

/// Sessions whose mark a Redis without any should have.
pub(super) async fn list_recently_revoked(
    connection: &Connection,
    now: Time,
) -> Result<Vec<SessionId>, Error> {
    let since = now.minus(Revocations::MARK_LIFETIME);
    connection.query(LIST_REVOKED_SINCE, &[&since.0]).await
}

/// How often somebody tried, within a window.
pub(super) struct Attempts {
    pub(super) subject: String,
    pub(super) attempts: i32,
    pub(super) window_ends_at: Time,
}

impl FromRow for Attempts {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            subject: row.get("subject")?,
            attempts: row.get("attempts")?,
            window_ends_at: row.get("window_ends_at")?,
        })
    }
}

pub(super) async fn count_attempt(
    connection: &Connection,
    subjects: &[String],
    now: Time,
    window_ends_at: Time,
) -> Result<Vec<Attempts>, Error> {
    connection
        .query(COUNT_ATTEMPT, &[&subjects, &now.0, &window_ends_at.0])
        .await
}

pub(super) async fn take_back_attempt(
    connection: &Connection,
    subjects: &[String],
) -> Result<(), Error> {
    connection.execute(TAKE_BACK_ATTEMPT, &[&subjects]).await?;
    Ok(())
}
