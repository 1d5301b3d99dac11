//! Statements about the table `posts`.

use shared::ids::{PostId, UserId};

use super::view::{PostView, select_posts};
use crate::app::{db::Connection, error::Error, http::place::Place, time::Time};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    FIND_POST,
    FIND_AUTHOR,
    LIST_POSTS_OF,
    INSERT_POST,
    UPDATE_CONTENT,
    DELETE_POST,
];

const FIND_POST: &str = select_posts!("select $2::bigint as id");

/// The post, if there is one that the reader may see.
pub(super) async fn find_post(
    db: &Connection,
    reader: UserId,
    post: PostId,
) -> Result<Option<PostView>, Error> {
    db.query_optional(FIND_POST, &[&reader.get(), &post.get()])
        .await
}

const FIND_AUTHOR: &str = concat!(
    "
select post.author_id
from posts post
join users account on account.id = post.author_id
where post.id = $2 and post.deleted_at is null and ",
    crate::users::may_see_account!()
);

/// Who wrote the post, if there is one that the reader may see.
pub(super) async fn find_author(
    db: &Connection,
    reader: UserId,
    post: PostId,
) -> Result<Option<UserId>, Error> {
    db.query_optional(FIND_AUTHOR, &[&reader.get(), &post.get()])
        .await
}

const LIST_POSTS_OF: &str = select_posts!(
    "
    select id from posts
    where author_id = $2 and deleted_at is null and (created_at, id) < ($3, $4)
    order by created_at desc, id desc
    limit $5"
);

/// What this author has posted, the newest first.
pub(super) async fn list_posts_of(
    db: &Connection,
    reader: UserId,
    author: UserId,
    place: Place,
    rows: i64,
) -> Result<Vec<PostView>, Error> {
    let (reader, author) = (reader.get(), author.get());
    db.query(
        LIST_POSTS_OF,
        &[&reader, &author, &place.time.0, &place.id, &rows],
    )
    .await
}

const INSERT_POST: &str = "
insert into posts (author_id, content, created_at)
values ($1, $2, $3)
returning id";

/// Stores a new post.
pub(super) async fn insert_post(
    db: &Connection,
    author: UserId,
    content: &str,
    now: Time,
) -> Result<PostId, Error> {
    db.query_one(INSERT_POST, &[&author.get(), &content, &now.0])
        .await
}

const UPDATE_CONTENT: &str = "
update posts
set content = $3, edited_at = $4
where id = $1 and author_id = $2 and deleted_at is null and created_at >= $5";

/// Changes the text of a post that its author wrote at `written_from` or later; false if there is no such post.
pub(super) async fn update_content(
    db: &Connection,
    (post, author): (PostId, UserId),
    content: &str,
    now: Time,
    written_from: Time,
) -> Result<bool, Error> {
    let (post, author) = (post.get(), author.get());
    let changed = db
        .execute(
            UPDATE_CONTENT,
            &[&post, &author, &content, &now.0, &written_from.0],
        )
        .await?;
    Ok(changed == 1)
}

const DELETE_POST: &str = "
update posts
set deleted_at = $3
where id = $1 and author_id = $2 and deleted_at is null";

/// Hides a post of this author for good; false if there is no such post.
pub(super) async fn delete_post(
    db: &Connection,
    (post, author): (PostId, UserId),
    now: Time,
) -> Result<bool, Error> {
    let changed = db
        .execute(DELETE_POST, &[&post.get(), &author.get(), &now.0])
        .await?;
    Ok(changed == 1)
}
