//! The demo users.

use shared::clock::Clock;

use super::{
    passwords,
    queries::{self, NewUser},
};
use crate::app::{config::HashSettings, db::Connection, error::Error, time::Time};

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
