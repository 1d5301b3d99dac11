//! Statements on profiles.

use serde::Serialize;
use shared::ids::UserId;

use super::{
    may_see_account,
    person::{FIND_PEOPLE, FIND_PERSON, Person, person_columns},
};
use crate::app::{
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
    time::Time,
};

const FIND_PROFILE: &str = "
    select id, username, name, bio, avatar, is_private, created_at from users where id = $1";
/// A null leaves the column as it is; the avatar, which can be cleared, has a switch beside it.
const UPDATE_PROFILE: &str = "
    update users set
        name = coalesce($2, name),
        bio = coalesce($3, bio),
        avatar = case when $4 then $5 else avatar end,
        is_private = coalesce($6, is_private),
        updated_at = $7
    where id = $1
    returning id, username, name, bio, avatar, is_private, created_at";
/// `$1` is a prefix for LIKE, `$2` the last username of the page before. Ordered by username, which is unique.
const SEARCH: &str = concat!(
    "select ",
    person_columns!(),
    " from users account
    where (account.username like $1 or lower(account.name) like $1)
      and account.suspended_at is null
      and ($2::text is null or account.username > $2)
    order by account.username
    limit $3"
);
const MAY_CONTACT: &str = "
    select not account.is_private or account.id = $1 or exists (
        select from follows
        where follower_id = account.id and followee_id = $1 and status = 'accepted'
    )
    from users account where account.id = $2";
const MAY_SEE: &str = concat!(
    "select exists (
        select from users account
        where account.id = $2 and ",
    may_see_account!(),
    ")"
);

/// Every statement, for the test that prepares them.
pub(super) const STATEMENTS: &[&str] = &[
    FIND_PROFILE,
    UPDATE_PROFILE,
    SEARCH,
    MAY_CONTACT,
    MAY_SEE,
    FIND_PERSON,
    FIND_PEOPLE,
];

/// What everybody may know of a user.
#[derive(Debug, Serialize)]
pub(super) struct ProfileView {
    id: UserId,
    username: String,
    name: String,
    bio: String,
    avatar: Option<String>,
    is_private: bool,
    created_at: Time,
}

impl FromRow for ProfileView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            username: row.get("username")?,
            name: row.get("name")?,
            bio: row.get("bio")?,
            avatar: row.get("avatar")?,
            is_private: row.get("is_private")?,
            created_at: row.get("created_at")?,
        })
    }
}

/// What is to change; `None` leaves it as it is.
pub(super) struct ProfileChange<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) bio: Option<&'a str>,
    /// `Some(None)` takes the picture away.
    pub(super) avatar: Option<Option<&'a str>>,
    pub(super) is_private: Option<bool>,
}

pub(super) async fn find_profile(
    connection: &Connection,
    id: UserId,
) -> Result<Option<ProfileView>, Error> {
    connection.query_optional(FIND_PROFILE, &[&id.get()]).await
}

pub(super) async fn update_profile(
    connection: &Connection,
    id: UserId,
    change: &ProfileChange<'_>,
    now: Time,
) -> Result<ProfileView, Error> {
    connection
        .query_one(
            UPDATE_PROFILE,
            &[
                &id.get(),
                &change.name,
                &change.bio,
                &change.avatar.is_some(),
                &change.avatar.flatten(),
                &change.is_private,
                &now.0,
            ],
        )
        .await
}

/// People whose username or name starts with `prefix`, which is lower case.
pub(super) async fn search(
    connection: &Connection,
    prefix: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Person>, Error> {
    let pattern = format!("{}%", escape_like(prefix));
    connection.query(SEARCH, &[&pattern, &after, &limit]).await
}

/// In a pattern, these characters mean something.
fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '%' | '_') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

pub(super) async fn may_contact(
    connection: &Connection,
    sender: UserId,
    recipient: UserId,
) -> Result<Option<bool>, Error> {
    connection
        .query_optional(MAY_CONTACT, &[&sender.get(), &recipient.get()])
        .await
}

pub(super) async fn may_see(
    connection: &Connection,
    viewer: UserId,
    account: UserId,
) -> Result<bool, Error> {
    connection
        .query_one(MAY_SEE, &[&viewer.get(), &account.get()])
        .await
}
