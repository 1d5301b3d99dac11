//! Statements about the table `likes`.

use shared::ids::{PostId, UserId};

use crate::{
    app::{db::Connection, error::Error, time::Time},
    users::blocked_people,
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[LOCK_LIKE, INSERT_LIKE, DELETE_LIKE, COUNT_LIKES];

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
    "
select count(*)
from likes
where post_id = $2 and user_id not in ",
    blocked_people!("$1")
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
