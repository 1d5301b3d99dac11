//! Statements about the table `comments`.

use serde::Serialize;
use shared::ids::{CommentId, PostId, UserId};

use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Row},
        error::Error,
        http::place::Place,
        time::Time,
    },
    users::{Person, person_columns},
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    INSERT_COMMENT,
    LIST_COMMENTS,
    FIND_COMMENT_AUTHOR,
    DELETE_COMMENT,
];

/// A comment as readers get it.
#[derive(Debug, Serialize)]
pub(super) struct CommentView {
    pub(super) id: CommentId,
    pub(super) post_id: PostId,
    pub(super) content: String,
    pub(super) author: Person,
    pub(super) created_at: Time,
}

impl CommentView {
    /// Its place in the list.
    pub(super) fn place(&self) -> Place {
        Place {
            time: self.created_at,
            id: self.id.get(),
        }
    }
}

impl FromRow for CommentView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            post_id: row.get("post_id")?,
            content: row.get("content")?,
            author: Person::from_row(row)?,
            created_at: row.get("created_at")?,
        })
    }
}

const INSERT_COMMENT: &str = concat!(
    "
with comment as (
    insert into comments (post_id, author_id, content, created_at)
    values ($1, $2, $3, $4)
    returning id, post_id, author_id, content, created_at
)
select
    comment.id, comment.post_id, comment.content, comment.created_at,
    ",
    person_columns!(),
    "
from comment
join users account on account.id = comment.author_id"
);

/// Stores a new comment.
pub(super) async fn insert_comment(
    db: &Connection,
    (post, author): (PostId, UserId),
    content: &str,
    now: Time,
) -> Result<CommentView, Error> {
    let (post, author) = (post.get(), author.get());
    db.query_one(INSERT_COMMENT, &[&post, &author, &content, &now.0])
        .await
}

const LIST_COMMENTS: &str = concat!(
    "
select
    comment.id, comment.post_id, comment.content, comment.created_at,
    ",
    person_columns!(),
    "
from comments comment
join users account on account.id = comment.author_id
where comment.post_id = $1 and (comment.created_at, comment.id) < ($2, $3)
order by comment.created_at desc, comment.id desc
limit $4"
);

/// The comments under a post, the newest first.
pub(super) async fn list_comments(
    db: &Connection,
    post: PostId,
    place: Place,
    rows: i64,
) -> Result<Vec<CommentView>, Error> {
    db.query(
        LIST_COMMENTS,
        &[&post.get(), &place.time.0, &place.id, &rows],
    )
    .await
}

const FIND_COMMENT_AUTHOR: &str = "
select author_id
from comments
where post_id = $1 and id = $2";

/// Who wrote this comment under this post.
pub(super) async fn find_comment_author(
    db: &Connection,
    post: PostId,
    comment: CommentId,
) -> Result<Option<UserId>, Error> {
    db.query_optional(FIND_COMMENT_AUTHOR, &[&post.get(), &comment.get()])
        .await
}

const DELETE_COMMENT: &str = "
delete from comments
where post_id = $1 and id = $2";

/// Deletes a comment; false if it is gone already.
pub(super) async fn delete_comment(
    db: &Connection,
    post: PostId,
    comment: CommentId,
) -> Result<bool, Error> {
    let changed = db
        .execute(DELETE_COMMENT, &[&post.get(), &comment.get()])
        .await?;
    Ok(changed == 1)
}
