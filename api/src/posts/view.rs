//! A post as readers get it, and the one statement that makes it, whatever list it is for.

use serde::Serialize;
use shared::ids::PostId;

use crate::{
    app::{
        db::{FromRow, InvalidRow, Row},
        http::place::Place,
        time::Time,
    },
    users::Person,
};

/// A post, with everything that a list of posts shows.
#[derive(Debug, Serialize)]
pub struct PostView {
    /// Its id.
    pub id: PostId,
    /// `post`; other kinds carry more fields.
    pub kind: String,
    /// The text, as it was given.
    pub content: String,
    /// Who wrote it.
    pub author: Person,
    /// When it was written.
    pub created_at: Time,
    /// When the text was last changed.
    pub edited_at: Option<Time>,
    /// People who like it.
    pub like_count: i64,
    /// Comments under it.
    pub comment_count: i64,
    /// Whether the reader is one of those who like it.
    pub liked_by_me: bool,
}

impl PostView {
    /// Its place in a list.
    pub fn place(&self) -> Place {
        Place {
            time: self.created_at,
            id: self.id.get(),
        }
    }
}

impl FromRow for PostView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            kind: row.get("kind")?,
            content: row.get("content")?,
            author: Person::from_row(row)?,
            created_at: row.get("created_at")?,
            edited_at: row.get("edited_at")?,
            like_count: row.get("like_count")?,
            comment_count: row.get("comment_count")?,
            liked_by_me: row.get("liked_by_me")?,
        })
    }
}

/// A statement that reads [`PostView`]s, newest first, of the posts that `$page` selects as `id`; `$1` is the reader.
///
/// It asks once more whether the reader may see each of them: a page that forgets to ask shows too little, never too
/// much.
macro_rules! select_posts {
    ($page:expr) => {
        concat!(
            "
with page as materialized (",
            $page,
            ")
select
    post.id, post.kind, post.content, post.created_at, post.edited_at,
    ",
            crate::users::person_columns!(),
            ",
    (select count(*) from likes given where given.post_id = post.id) as like_count,
    (select count(*) from comments comment where comment.post_id = post.id) as comment_count,
    exists (
        select from likes given where given.post_id = post.id and given.user_id = $1
    ) as liked_by_me
from page
join posts post on post.id = page.id
join users account on account.id = post.author_id
where post.deleted_at is null and ",
            crate::users::may_see_account!(),
            "
order by post.created_at desc, post.id desc"
        )
    };
}

pub(crate) use select_posts;
