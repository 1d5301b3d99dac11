//! Statements about the table `friendships`, and the view `friend_links` on it.

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
    INSERT_REQUEST,
    ACCEPT_REQUEST,
    DELETE_FRIENDSHIP,
    LIST_FRIENDS,
    LIST_REQUESTS,
];

impl Column for Status {
    type Sql = String;

    fn from_sql(value: String) -> Option<Self> {
        match value.as_str() {
            "friends" => Some(Self::Friends),
            "requested" => Some(Self::Requested),
            "asked" => Some(Self::Asked),
            _ => None,
        }
    }
}

const FIND_STATUS: &str = "
select case
    when status = 'accepted' then 'friends'
    when requested_by = $1 then 'requested'
    else 'asked'
end
from friendships
where first_user_id = least($1::bigint, $2::bigint)
    and second_user_id = greatest($1::bigint, $2::bigint)";

/// What the one is to the other.
pub(super) async fn find_status(db: &Connection, pair: Pair) -> Result<Status, Error> {
    let status = db
        .query_optional(FIND_STATUS, &[&pair.me.get(), &pair.other.get()])
        .await?;
    Ok(status.unwrap_or(Status::Strangers))
}

const INSERT_REQUEST: &str = "
insert into friendships (first_user_id, second_user_id, status, requested_by, since)
values (least($1::bigint, $2::bigint), greatest($1::bigint, $2::bigint), 'requested', $1, $3)";

/// Stores a request; there is nothing between the two yet.
pub(super) async fn insert_request(db: &Connection, pair: Pair, now: Time) -> Result<(), Error> {
    db.execute(INSERT_REQUEST, &[&pair.me.get(), &pair.other.get(), &now.0])
        .await?;
    Ok(())
}

const ACCEPT_REQUEST: &str = "
update friendships
set status = 'accepted', since = $3
where first_user_id = least($1::bigint, $2::bigint)
    and second_user_id = greatest($1::bigint, $2::bigint)
    and status = 'requested' and requested_by = $2";

/// Makes friends of the two, of whom the other has asked.
pub(super) async fn accept_request(db: &Connection, pair: Pair, now: Time) -> Result<(), Error> {
    db.execute(ACCEPT_REQUEST, &[&pair.me.get(), &pair.other.get(), &now.0])
        .await?;
    Ok(())
}

const DELETE_FRIENDSHIP: &str = "
delete from friendships
where first_user_id = least($1::bigint, $2::bigint)
    and second_user_id = greatest($1::bigint, $2::bigint)";

/// Ends what there is between the two.
pub(super) async fn delete_friendship(db: &Connection, pair: Pair) -> Result<(), Error> {
    db.execute(DELETE_FRIENDSHIP, &[&pair.me.get(), &pair.other.get()])
        .await?;
    Ok(())
}

/// A friend in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Friend {
    #[serde(flatten)]
    person: Person,
    /// When they became friends.
    since: Time,
}

impl Friend {
    /// Its place in the list.
    pub(super) fn place(&self) -> Place {
        Place {
            time: self.since,
            id: self.person.id.get(),
        }
    }
}

impl FromRow for Friend {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            person: Person::from_row(row)?,
            since: row.get("since")?,
        })
    }
}

const LIST_FRIENDS: &str = concat!(
    "
select link.since, ",
    person_columns!(),
    "
from friend_links link
join users account on account.id = link.friend_id
where link.user_id = $1 and link.status = 'accepted' and (link.since, link.friend_id) < ($2, $3)
    and ",
    may_meet_account!(),
    "
order by link.since desc, link.friend_id desc
limit $4"
);

/// The user's friends, the newest first.
pub(super) async fn list_friends(
    db: &Connection,
    user: UserId,
    place: Place,
    rows: i64,
) -> Result<Vec<Friend>, Error> {
    db.query(
        LIST_FRIENDS,
        &[&user.get(), &place.time.0, &place.id, &rows],
    )
    .await
}

/// A request in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FriendRequest {
    /// The other one.
    #[serde(flatten)]
    friend: Friend,
    /// `incoming` or `outgoing`.
    direction: String,
}

impl FriendRequest {
    /// Its place in the list.
    pub(super) fn place(&self) -> Place {
        self.friend.place()
    }
}

impl FromRow for FriendRequest {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            friend: Friend::from_row(row)?,
            direction: row.get("direction")?,
        })
    }
}

const LIST_REQUESTS: &str = concat!(
    "
select
    link.since,
    case when link.requested_by = $1 then 'outgoing' else 'incoming' end as direction,
    ",
    person_columns!(),
    "
from friend_links link
join users account on account.id = link.friend_id
where link.user_id = $1 and link.status = 'requested' and (link.since, link.friend_id) < ($2, $3)
    and ($5::bool is null or $5 = (link.requested_by = $1))
    and ",
    may_meet_account!(),
    "
order by link.since desc, link.friend_id desc
limit $4"
);

/// Requests that have no answer yet, the newest first: the user's own, those of others, or (`None`) both.
pub(super) async fn list_requests(
    db: &Connection,
    user: UserId,
    own: Option<bool>,
    (place, rows): (Place, i64),
) -> Result<Vec<FriendRequest>, Error> {
    let parameters: Parameters<'_> = &[&user.get(), &place.time.0, &place.id, &rows, &own];
    db.query(LIST_REQUESTS, parameters).await
}
