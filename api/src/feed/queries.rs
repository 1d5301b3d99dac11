//! The statements that make feeds: one for a page, whatever its length.

use shared::ids::{GroupId, PostId, UserId};

use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Row},
        error::Error,
        http::place::Place,
        time::Time,
    },
    posts::{PostView, select_posts},
    users::{may_meet_account, may_see_account},
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[LIST_FOLLOWING, LIST_PUBLIC, LIST_RECENT, LIST_AUDIENCE];

// Merged when it is read: a page's worth of each author from the index of that author's posts, of which the newest stay.
// Nothing has to be written for each follower when somebody posts, and following somebody shows in the feed at once.
const LIST_FOLLOWING: &str = select_posts!(concat!(
    "
    select recent.id
    from (
        select $1::bigint as author_id
        union
        select followee_id from follows where follower_id = $1 and status = 'accepted'
        union
        select friend_id from friend_links where user_id = $1 and status = 'accepted'
    ) source
    -- Whoever may not be seen would leave holes in the page. Asked for each author, not for each post.
    join users account on account.id = source.author_id and ",
    may_see_account!(),
    "
    cross join lateral (
        select written.id, written.created_at
        from posts written
        where written.author_id = source.author_id and written.deleted_at is null
            and written.group_id is null
            and (written.created_at, written.id) < ($2, $3)
        order by written.created_at desc, written.id desc
        limit $4
    ) recent
    order by recent.created_at desc, recent.id desc
    limit $4"
));

// The author is looked up for one post after the other, in the order of the index, until the page is full: a plan for any
// limit would join with everybody.
const LIST_PUBLIC: &str = select_posts!(concat!(
    "
    select written.id
    from posts written
    cross join lateral (
        select from users account
        where account.id = written.author_id and not account.is_private and ",
    may_meet_account!(),
    "
        limit 1
    ) author
    where written.deleted_at is null and written.group_id is null and (written.created_at, written.id) < ($2, $3)
    order by written.created_at desc, written.id desc
    limit $4"
));

/// Posts of everybody whose account is public, the newest first.
pub(super) async fn list_public(
    db: &Connection,
    reader: UserId,
    place: Place,
    rows: i64,
) -> Result<Vec<PostView>, Error> {
    db.query(
        LIST_PUBLIC,
        &[&reader.get(), &place.time.0, &place.id, &rows],
    )
    .await
}

/// Posts of the reader, of those the reader follows, and of friends, the newest first.
pub async fn list_following(
    db: &Connection,
    reader: UserId,
    place: Place,
    rows: i64,
) -> Result<Vec<PostView>, Error> {
    db.query(
        LIST_FOLLOWING,
        &[&reader.get(), &place.time.0, &place.id, &rows],
    )
    .await
}

// Whatever is beyond the limit is told of with the posts of the next second.
const LIST_RECENT: &str = "
select post.id, post.author_id, post.group_id, post.group_id is null and not account.is_private as is_public
from posts post
join users account on account.id = post.author_id and account.deleted_at is null and account.suspended_at is null
where post.deleted_at is null and post.id in (
    (
        select id from posts
        where deleted_at is null and group_id is null and created_at >= $1
        order by created_at, id
        limit 1000
    )
    union all
    (
        select id from posts
        where deleted_at is null and group_id is not null and created_at >= $1
        order by created_at, id
        limit 1000
    )
)";

/// A post that has just come.
pub(super) struct Recent {
    pub(super) id: PostId,
    pub(super) author: UserId,
    pub(super) group: Option<GroupId>,
    /// In the feed of everybody.
    pub(super) is_public: bool,
}

impl FromRow for Recent {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            author: row.get("author_id")?,
            group: row.get("group_id")?,
            is_public: row.get("is_public")?,
        })
    }
}

/// Posts since then, two thousand of them at most.
pub(super) async fn list_recent(db: &Connection, since: Time) -> Result<Vec<Recent>, Error> {
    db.query(LIST_RECENT, &[&since.0]).await
}

// Followers and friends of whoever posts for all, members of the group of what is posted there: those whose feed it enters. A
// block has ended both ties between two people, but not a membership.
const LIST_AUDIENCE: &str = "
select source.number, reader.id as reader_id
from unnest($1::bigint[], $2::bigint[]) with ordinality as source(author_id, group_id, number)
cross join lateral (
    (
        select follower_id as id from follows
        where source.group_id is null and followee_id = source.author_id and status = 'accepted'
        order by created_at desc
        limit $3
    )
    union
    (
        select friend_id from friend_links
        where source.group_id is null and user_id = source.author_id and status = 'accepted'
        limit $3
    )
    union
    (
        select member.user_id from group_members member
        where member.group_id = source.group_id and member.user_id <> source.author_id
            and not exists (
                select from blocks cut where cut.blocker_id = member.user_id and cut.blocked_id = source.author_id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = source.author_id and cut.blocked_id = member.user_id
            )
        limit $3
    )
) reader
limit $4";

/// Somebody in whose feed there is something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reads {
    pub(super) reader: UserId,
    /// Which of the sources; counted from 0.
    pub(super) source: usize,
}

impl FromRow for Reads {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        let number: i64 = row.get("number")?;
        Ok(Self {
            reader: row.get("reader_id")?,
            // PostgreSQL counts from 1.
            source: usize::try_from(number - 1).unwrap_or_default(),
        })
    }
}

/// Whose feed posts of these authors, in these groups or for all, enter: so many readers of each, and in all.
pub(super) async fn list_audience(
    db: &Connection,
    sources: &[(UserId, Option<GroupId>)],
    (of_each, in_all): (usize, usize),
) -> Result<Vec<Reads>, Error> {
    let authors: Vec<i64> = sources.iter().map(|(author, _)| author.get()).collect();
    let groups = sources.iter().map(|(_, group)| group.map(GroupId::get));
    let groups: Vec<Option<i64>> = groups.collect();
    let [of_each, in_all] = [of_each, in_all].map(|most| i64::try_from(most).unwrap_or(i64::MAX));
    db.query(LIST_AUDIENCE, &[&authors, &groups, &of_each, &in_all])
        .await
}
