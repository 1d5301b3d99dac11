//! Statements about the table `follows`.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::UserId;

use super::{Pair, Status};
use crate::{
    app::{
        db::{Column, Connection, FromRow, InvalidRow, Parameters, Row},
        error::Error,
        http::place::Place,
        time::Time,
    },
    users::{Person, may_meet_account, person_columns},
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    FIND_STATUS,
    INSERT_FOLLOW,
    DELETE_FOLLOW,
    ACCEPT_REQUEST,
    REJECT_REQUEST,
    IS_FOLLOWER,
    NEWEST_FOLLOWERS,
    LIST_FOLLOWERS,
    LIST_FOLLOWING,
];

const ACCEPTED: &str = "accepted";
const REQUESTED: &str = "requested";
/// Not stored: there is no row.
const NONE: &str = "none";

impl Column for Status {
    type Sql = String;

    fn from_sql(value: String) -> Option<Self> {
        match value.as_str() {
            ACCEPTED => Some(Self::Following),
            REQUESTED => Some(Self::Requested),
            NONE => Some(Self::NotFollowing),
            _ => None,
        }
    }
}

const FIND_STATUS: &str = concat!(
    "
select coalesce(follow.status, 'none') as status
from users account
left join follows follow on follow.follower_id = $1 and follow.followee_id = account.id
where account.id = $2 and ",
    may_meet_account!()
);

/// What the follower is to the followee; `None` if there is no followee that the follower may know of.
pub(super) async fn find_status(db: &Connection, pair: Pair) -> Result<Option<Status>, Error> {
    db.query_optional(FIND_STATUS, &[&pair.follower.get(), &pair.followee.get()])
        .await
}

// Whether the account is private stays so, because the pair is held.
const INSERT_FOLLOW: &str = "
insert into follows (follower_id, followee_id, status, created_at)
select $1::bigint, account.id, case when account.is_private then 'requested' else 'accepted' end, $3
from users account
where account.id = $2
returning status";

/// Follows, or asks to. `None` if there is no such followee.
pub(super) async fn insert_follow(
    db: &Connection,
    pair: Pair,
    now: Time,
) -> Result<Option<Status>, Error> {
    let (follower, followee) = (pair.follower.get(), pair.followee.get());
    db.query_optional(INSERT_FOLLOW, &[&follower, &followee, &now.0])
        .await
}

const DELETE_FOLLOW: &str = "
delete from follows
where follower_id = $1 and followee_id = $2";

/// Ends a follow, or takes a request back.
pub(super) async fn delete_follow(db: &Connection, pair: Pair) -> Result<(), Error> {
    db.execute(DELETE_FOLLOW, &[&pair.follower.get(), &pair.followee.get()])
        .await?;
    Ok(())
}

const ACCEPT_REQUEST: &str = "
update follows
set status = 'accepted'
where follower_id = $1 and followee_id = $2 and status = 'requested'";

/// Makes a follower of somebody who asked; false if nobody did.
pub(super) async fn accept_request(db: &Connection, pair: Pair) -> Result<bool, Error> {
    let changed = db
        .execute(
            ACCEPT_REQUEST,
            &[&pair.follower.get(), &pair.followee.get()],
        )
        .await?;
    Ok(changed == 1)
}

const REJECT_REQUEST: &str = "
delete from follows
where follower_id = $1 and followee_id = $2 and status = 'requested'";

/// Forgets that somebody asked; false if nobody did.
pub(super) async fn reject_request(db: &Connection, pair: Pair) -> Result<bool, Error> {
    let changed = db
        .execute(
            REJECT_REQUEST,
            &[&pair.follower.get(), &pair.followee.get()],
        )
        .await?;
    Ok(changed == 1)
}

const IS_FOLLOWER: &str = "
select exists (
    select from follows
    where follower_id = $1 and followee_id = $2 and status = 'accepted'
)";

/// Whether the one follows the other; a request is not enough.
pub(super) async fn is_follower(
    db: &Connection,
    follower: UserId,
    followee: UserId,
) -> Result<bool, Error> {
    db.query_one(IS_FOLLOWER, &[&follower.get(), &followee.get()])
        .await
}

const NEWEST_FOLLOWERS: &str = "
select follower_id
from follows
where followee_id = $1 and status = 'accepted'
order by created_at desc, follower_id desc
limit $2";

/// The newest followers, at most `most`.
pub(super) async fn newest_followers(
    db: &Connection,
    followee: UserId,
    most: i64,
) -> Result<Vec<UserId>, Error> {
    db.query(NEWEST_FOLLOWERS, &[&followee.get(), &most]).await
}

/// One end of a follow, in a list of the other.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Follow {
    #[serde(flatten)]
    person: Person,
    /// When it was asked for, or done at once.
    since: Time,
}

impl Follow {
    /// Its place in the list.
    pub(super) fn place(&self) -> Place {
        Place {
            time: self.since,
            id: self.person.id.get(),
        }
    }
}

impl FromRow for Follow {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            person: Person::from_row(row)?,
            since: row.get("since")?,
        })
    }
}

const LIST_FOLLOWERS: &str = concat!(
    "
select follow.created_at as since, ",
    person_columns!(),
    "
from follows follow
join users account on account.id = follow.follower_id
where follow.followee_id = $2 and follow.status = $3
    and (follow.created_at, follow.follower_id) < ($4, $5)
    and ",
    may_meet_account!(),
    "
order by follow.created_at desc, follow.follower_id desc
limit $6"
);

/// Who follows this user, the newest first: those whom the viewer may know of.
pub(super) async fn list_followers(
    db: &Connection,
    (viewer, followee): (UserId, UserId),
    place: Place,
    rows: i64,
) -> Result<Vec<Follow>, Error> {
    list_by_followee(db, (viewer, followee), ACCEPTED, (place, rows)).await
}

/// Who has asked to follow this user and has no answer yet, the newest first.
pub(super) async fn list_requests(
    db: &Connection,
    followee: UserId,
    place: Place,
    rows: i64,
) -> Result<Vec<Follow>, Error> {
    list_by_followee(db, (followee, followee), REQUESTED, (place, rows)).await
}

async fn list_by_followee(
    db: &Connection,
    (viewer, followee): (UserId, UserId),
    status: &str,
    (place, rows): (Place, i64),
) -> Result<Vec<Follow>, Error> {
    let (viewer, followee) = (viewer.get(), followee.get());
    let parameters: Parameters<'_> =
        &[&viewer, &followee, &status, &place.time.0, &place.id, &rows];
    db.query(LIST_FOLLOWERS, parameters).await
}

const LIST_FOLLOWING: &str = concat!(
    "
select follow.created_at as since, ",
    person_columns!(),
    "
from follows follow
join users account on account.id = follow.followee_id
where follow.follower_id = $2 and follow.status = 'accepted'
    and (follow.created_at, follow.followee_id) < ($3, $4)
    and ",
    may_meet_account!(),
    "
order by follow.created_at desc, follow.followee_id desc
limit $5"
);

/// Whom this user follows, the newest first: those whom the viewer may know of.
pub(super) async fn list_following(
    db: &Connection,
    (viewer, follower): (UserId, UserId),
    place: Place,
    rows: i64,
) -> Result<Vec<Follow>, Error> {
    let (viewer, follower) = (viewer.get(), follower.get());
    db.query(
        LIST_FOLLOWING,
        &[&viewer, &follower, &place.time.0, &place.id, &rows],
    )
    .await
}
