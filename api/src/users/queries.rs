//! Statements on profiles.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::UserId;

use super::{
    contacts::{ARE_CONTACTS, CONTACTS_AMONG, SET_INVISIBLE},
    is_friend_of_account, may_meet_account, may_see_account,
    pairs::{IS_SILENCED, LOCK_FOLLOWERS, LOCK_PAIR},
    person::{FIND_PEOPLE, FIND_PERSON},
    search::SEARCH,
};
use crate::app::{
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
    http::json::Change,
    time::Time,
};

const FIND_PROFILE: &str = concat!(
    "
    select id, username, name, bio, avatar, is_private, created_at, updated_at
    from users account
    where account.id = $2 and ",
    may_meet_account!()
);
/// A null leaves the column as it is; the avatar, which can be cleared, has a switch beside it.
const UPDATE_PROFILE: &str = "
    update users set
        name = coalesce($2, name),
        bio = coalesce($3, bio),
        avatar = case when $4 then $5 else avatar end,
        is_private = coalesce($6, is_private),
        updated_at = $7
    where id = $1
    returning id, username, name, bio, avatar, is_private, created_at, updated_at";
/// An account that is public asks nobody any more: whoever has asked follows it.
const ACCEPT_PENDING: &str = "
    update follows set status = 'accepted' where followee_id = $1 and status = 'requested'
    returning follower_id";
const MAY_CONTACT: &str = concat!(
    "
    select not account.is_private or account.id = $1 or exists (
        select from follows
        where follower_id = account.id and followee_id = $1 and status = 'accepted'
    ) or ",
    is_friend_of_account!(),
    "
    from users account
    where account.id = $2 and ",
    may_meet_account!()
);
const MAY_MEET: &str = concat!(
    "select exists (
        select from users account
        where account.id = $2 and ",
    may_meet_account!(),
    ")"
);
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
    ARE_CONTACTS,
    CONTACTS_AMONG,
    SET_INVISIBLE,
    IS_INVISIBLE,
    LOCK_PRIVACY,
    UPDATE_PROFILE,
    SEARCH,
    ACCEPT_PENDING,
    MAY_CONTACT,
    MAY_MEET,
    MAY_SEE,
    FIND_PERSON,
    FIND_PEOPLE,
    LOCK_PAIR,
    LOCK_FOLLOWERS,
    IS_SILENCED,
];

/// What everybody may know of a user.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ProfileView {
    id: UserId,
    username: String,
    name: String,
    bio: String,
    avatar: Option<String>,
    is_private: bool,
    created_at: Time,
    #[serde(skip)]
    pub(super) changed_at: Time,
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
            changed_at: row.get("updated_at")?,
        })
    }
}

/// What is to change; `None` leaves it as it is.
pub(super) struct ProfileChange<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) bio: Option<&'a str>,
    pub(super) avatar: &'a Change<String>,
    pub(super) is_private: Option<bool>,
}

/// The profile, if there is one that the viewer may know of.
pub(super) async fn find_profile(
    connection: &Connection,
    viewer: UserId,
    id: UserId,
) -> Result<Option<ProfileView>, Error> {
    connection
        .query_optional(FIND_PROFILE, &[&viewer.get(), &id.get()])
        .await
}

const LOCK_PRIVACY: &str = "select is_private from users where id = $1 for no key update";

/// Whether the account is private, which nobody else changes before the transaction's end.
pub(super) async fn lock_privacy(connection: &Connection, id: UserId) -> Result<bool, Error> {
    connection.query_one(LOCK_PRIVACY, &[&id.get()]).await
}

pub(super) async fn update_profile(
    connection: &Connection,
    id: UserId,
    change: &ProfileChange<'_>,
    now: Time,
) -> Result<ProfileView, Error> {
    let (avatar_changes, avatar) = match change.avatar {
        Change::Keep => (false, None),
        Change::Set(url) => (true, url.as_deref()),
    };
    connection
        .query_one(
            UPDATE_PROFILE,
            &[
                &id.get(),
                &change.name,
                &change.bio,
                &avatar_changes,
                &avatar,
                &change.is_private,
                &now.0,
            ],
        )
        .await
}

/// Makes followers of all who have asked, and says who they are. In the transaction that opens the account, which holds its
/// followers ([`lock_followers`](super::pairs::lock_followers)): whoever asks or gives up meanwhile does so before or after.
pub(super) async fn accept_pending(
    connection: &Connection,
    account: UserId,
) -> Result<Vec<UserId>, Error> {
    connection.query(ACCEPT_PENDING, &[&account.get()]).await
}

const IS_INVISIBLE: &str = "select invisible_since is not null from users where id = $1";

/// Whether the account looks offline to everybody.
pub(super) async fn is_invisible(connection: &Connection, id: UserId) -> Result<bool, Error> {
    connection.query_one(IS_INVISIBLE, &[&id.get()]).await
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

pub(super) async fn may_meet(
    connection: &Connection,
    viewer: UserId,
    account: UserId,
) -> Result<bool, Error> {
    connection
        .query_one(MAY_MEET, &[&viewer.get(), &account.get()])
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
