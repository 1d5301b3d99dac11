//! Statements of publishing: who and what there is.

pub(super) mod broadcasts;

use shared::ids::{GroupId, PostId, UserId};

use crate::app::{db::Connection, error::Error};

const LIST_KNOWN: &str = "
    select id from users where id = any($1) and deleted_at is null order by id";
const IS_POST: &str = "
    select exists (select from posts where id = $1 and deleted_at is null)";
const IS_GROUP: &str = "
    select exists (select from groups where id = $1 and deleted_at is null)";

pub(super) const STATEMENTS: &[&str] = &[
    LIST_KNOWN,
    IS_POST,
    IS_GROUP,
    broadcasts::INSERT,
    broadcasts::LOCK_NEXT,
    broadcasts::LIST_SIGNED_IN,
    broadcasts::MOVE_MARK,
    broadcasts::POSTPONE,
    broadcasts::DELETE,
    broadcasts::FIND_MARK,
];

/// Those of them who have an account, in the order of their ids.
pub(super) async fn list_known(
    connection: &Connection,
    people: &[UserId],
) -> Result<Vec<UserId>, Error> {
    let people: Vec<i64> = people.iter().map(|person| person.get()).collect();
    connection.query(LIST_KNOWN, &[&people]).await
}

pub(super) async fn is_post(connection: &Connection, post: PostId) -> Result<bool, Error> {
    connection.query_one(IS_POST, &[&post.get()]).await
}

pub(super) async fn is_group(connection: &Connection, group: GroupId) -> Result<bool, Error> {
    connection.query_one(IS_GROUP, &[&group.get()]).await
}
