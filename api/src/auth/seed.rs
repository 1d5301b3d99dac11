//! The demo users.

use shared::{
    clock::Clock,
    ids::{SessionId, UserId},
};

use super::{
    passwords,
    queries::{self, NewUser},
};
use crate::app::{
    App,
    config::HashSettings,
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
    time::Time,
};

const PASSWORD: &str = "hubbub-demo";
const USERS: [(&str, &str); 2] = [("ana", "Ana"), ("bo", "Bo")];

/// Creates those of the demo users that are not there; returns their names.
pub async fn seed(
    connection: &Connection,
    hash: &HashSettings,
    clock: &Clock,
) -> Result<Vec<&'static str>, Error> {
    let mut created = Vec::new();
    for (username, name) in USERS {
        if create_user(connection, hash, clock, (username, name, PASSWORD)).await? {
            created.push(username);
        }
    }
    Ok(created)
}

/// Creates a user by name, display name and password; false where there is one of that name.
pub(crate) async fn create_user(
    connection: &Connection,
    hash: &HashSettings,
    clock: &Clock,
    (username, name, password): (&str, &str, &str),
) -> Result<bool, Error> {
    let user = NewUser {
        username,
        email: &format!("{username}@example.com"),
        password_hash: &passwords::hash_with(&passwords::hasher(hash)?, password)?,
        name,
    };
    queries::insert_demo_user(connection, &user, Time(clock.now())).await
}

pub(super) const OPEN_SESSIONS: &str = "
    insert into sessions (user_id, device, created_at, last_used_at, expires_at)
    select person, 'seeded', $2, $2, $3 from unnest($1::bigint[]) as person
    returning user_id, id";

struct OpenedSession {
    user: UserId,
    session: SessionId,
}

impl FromRow for OpenedSession {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            user: row.get("user_id")?,
            session: row.get("id")?,
        })
    }
}

/// A session for each of these people, without a log-in: for load tests.
pub async fn open_sessions(
    app: &App,
    people: &[UserId],
) -> Result<Vec<(UserId, SessionId)>, Error> {
    let people: Vec<i64> = people.iter().map(|person| person.get()).collect();
    let (now, lifetime) = (app.now(), app.settings().auth.session_lifetime);
    let opened: Vec<OpenedSession> = app
        .read()
        .await?
        .query(OPEN_SESSIONS, &[&people, &now.0, &now.plus(lifetime).0])
        .await?;
    Ok(opened
        .into_iter()
        .map(|opened| (opened.user, opened.session))
        .collect())
}
