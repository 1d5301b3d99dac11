//! Statements about the table `comments`.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::{CommentId, PostId, UserId};

use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Row},
        error::Error,
        http::place::Place,
        time::Time,
    },
    users::{Person, may_meet_account, person_columns},
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    INSERT_COMMENT,
    LIST_COMMENTS,
    FIND_COMMENT_AUTHOR,
    DELETE_COMMENT,
    LIST_COMMENTED,
    LIST_PARTICIPANTS,
];

/// A comment as readers get it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CommentView {
    /// Its id.
    pub id: CommentId,
    /// What it is under.
    pub post_id: PostId,
    /// The text, as it was given.
    pub content: String,
    /// Who wrote it.
    pub author: Person,
    /// When it was written.
    pub created_at: Time,
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
where comment.post_id = $2 and (comment.created_at, comment.id) < ($3, $4)
    and ",
    may_meet_account!(),
    "
order by comment.created_at desc, comment.id desc
limit $5"
);

/// The comments under a post, the newest first: of people whom the reader may know of.
pub(super) async fn list_comments(
    db: &Connection,
    (reader, post): (UserId, PostId),
    place: Place,
    rows: i64,
) -> Result<Vec<CommentView>, Error> {
    db.query(
        LIST_COMMENTS,
        &[&reader.get(), &post.get(), &place.time.0, &place.id, &rows],
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

// The newest first, so that the most alive are told of where there are more.
const LIST_COMMENTED: &str = "
select recent.post_id, (
    select sum(counter.number)::bigint from post_counts counter
    where counter.post_id = recent.post_id and counter.what = 'comment'
) as count
from (
    select post_id, max(created_at) as commented_at
    from comments
    where created_at >= $1
    group by post_id
    order by commented_at desc
    limit 100
) recent";

/// A post that was commented on.
pub(super) struct Commented {
    pub(super) post_id: PostId,
    /// Comments under it now.
    pub(super) count: i64,
}

impl FromRow for Commented {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            post_id: row.get("post_id")?,
            count: row.get("count")?,
        })
    }
}

/// Posts that were commented on since then; a hundred of them at most.
pub(super) async fn list_commented(db: &Connection, since: Time) -> Result<Vec<Commented>, Error> {
    db.query(LIST_COMMENTED, &[&since.0]).await
}

const LIST_PARTICIPANTS: &str = "
select author_id from posts where id = $1
union
(
    select author_id
    from comments
    where post_id = $1
    order by created_at desc, id desc
    limit 30
)";

/// The post's author and the authors of its last thirty comments.
pub(super) async fn list_participants(db: &Connection, post: PostId) -> Result<Vec<UserId>, Error> {
    db.query(LIST_PARTICIPANTS, &[&post.get()]).await
}
