//! Statements about the table `likes`.

use shared::ids::{PostId, UserId};

use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Row},
        error::Error,
        time::Time,
    },
    posts::{Visible, counts_of_post},
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    LOCK_LIKE,
    INSERT_LIKE,
    DELETE_LIKE,
    COUNT_LIKES,
    TRY_LOCK_TELLING,
    LOCK_TELLING,
    LEAVE_UNTOLD,
    FIND_UNTOLD,
    TAKE_UNTOLD,
];

// A lock on the like to be, not on its row: there is none yet where it matters most.
const LOCK_LIKE: &str = "
select pg_advisory_xact_lock(hashtextextended('like ' || $1::bigint || ' ' || $2::bigint, 0))";

/// Waits until nobody else toggles this person's like; held to the transaction's end.
pub(super) async fn lock_like(db: &Connection, post: PostId, user: UserId) -> Result<(), Error> {
    db.execute(LOCK_LIKE, &[&post.get(), &user.get()]).await?;
    Ok(())
}

const INSERT_LIKE: &str = "
insert into likes (post_id, user_id, created_at)
values ($1, $2, $3)
on conflict on constraint like_unique do nothing";

/// Likes the post; false if that person does so already.
pub(super) async fn insert_like(
    db: &Connection,
    post: PostId,
    user: UserId,
    now: Time,
) -> Result<bool, Error> {
    let changed = db
        .execute(INSERT_LIKE, &[&post.get(), &user.get(), &now.0])
        .await?;
    Ok(changed == 1)
}

const DELETE_LIKE: &str = "
delete from likes
where post_id = $1 and user_id = $2";

/// Takes a like back; false if there was none.
pub(super) async fn delete_like(
    db: &Connection,
    post: PostId,
    user: UserId,
) -> Result<bool, Error> {
    let changed = db.execute(DELETE_LIKE, &[&post.get(), &user.get()]).await?;
    Ok(changed == 1)
}

const COUNT_LIKES: &str = concat!(
    "select counts.like_count from (select $2::bigint as id) post cross join lateral ",
    counts_of_post!(),
    " counts"
);

/// How many people like the post, without those whom the reader blocks or is blocked by.
pub(super) async fn count_likes(
    db: &Connection,
    reader: UserId,
    post: PostId,
) -> Result<i64, Error> {
    db.query_one(COUNT_LIKES, &[&reader.get(), &post.get()])
        .await
}

const TRY_LOCK_TELLING: &str = "
select pg_try_advisory_xact_lock(hashtextextended('likes ' || $1::bigint, 0))";

/// Whether nobody else tells the author of likes of this post; then nobody does before the transaction's end.
pub(super) async fn try_lock_telling(db: &Connection, post: PostId) -> Result<bool, Error> {
    db.query_one(TRY_LOCK_TELLING, &[&post.get()]).await
}

const LOCK_TELLING: &str = "
select pg_advisory_xact_lock(hashtextextended('likes ' || $1::bigint, 0))";

/// As [`try_lock_telling`], waiting for who does.
pub(super) async fn lock_telling(db: &Connection, post: PostId) -> Result<(), Error> {
    db.execute(LOCK_TELLING, &[&post.get()]).await?;
    Ok(())
}

const LEAVE_UNTOLD: &str = "
insert into untold_likes (post_id, user_id)
values ($1, $2)
on conflict on constraint untold_like_unique do nothing";

/// Notes that the author is to be told of this like.
pub(super) async fn leave_untold(
    db: &Connection,
    post: PostId,
    person: UserId,
) -> Result<(), Error> {
    db.execute(LEAVE_UNTOLD, &[&post.get(), &person.get()])
        .await?;
    Ok(())
}

const FIND_UNTOLD: &str = "select post_id from untold_likes limit 1";

/// A post of which likes are to be told.
pub(super) async fn find_untold(db: &Connection) -> Result<Option<PostId>, Error> {
    db.query_optional(FIND_UNTOLD, &[]).await
}

// Likes that were taken back meanwhile, and those of posts that were deleted, are taken and not told.
const TAKE_UNTOLD: &str = "
with taken as (
    delete from untold_likes
    where post_id = $1 and user_id in (
        select untold.user_id from untold_likes untold where untold.post_id = $1 order by untold.user_id limit $2
    )
    returning post_id, user_id
)
select taken.user_id, post.author_id, post.kind = 'activity' as is_activity
from taken
join likes given on given.post_id = taken.post_id and given.user_id = taken.user_id
join posts post on post.id = taken.post_id and post.deleted_at is null
order by given.created_at, taken.user_id";

/// A like that the author was not told of.
pub(super) struct Untold {
    pub(super) person: UserId,
    pub(super) post: Visible,
}

impl FromRow for Untold {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            person: row.get("user_id")?,
            post: Visible::from_row(row)?,
        })
    }
}

/// So many of the post's likes that are to be told, which nobody else tells then.
pub(super) async fn take_untold(
    db: &Connection,
    post: PostId,
    limit: i64,
) -> Result<Vec<Untold>, Error> {
    db.query(TAKE_UNTOLD, &[&post.get(), &limit]).await
}
