//! Statements about the table `posts`.

use serde_json::{Value, json};
use shared::ids::{GroupId, PostId, UserId};

use super::{
    Attachment, NewPost,
    view::{PostView, may_see_post, post_columns, select_posts},
};
use crate::app::{
    db::{Connection, FromRow, InvalidRow, Parameters, Row},
    error::Error,
    http::place::Place,
    live::Count,
    time::Time,
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    FIND_POST,
    FIND_VISIBLE,
    LIST_POSTS_OF,
    IS_MEMBER,
    LIST_POSTS_IN,
    LIST_NEW,
    INSERT_POST,
    LOCK_CONTENT,
    UPDATE_CONTENT,
    DELETE_POST,
    LIST_VISIBLE,
    LIST_BLOCKED_PEOPLE,
    COUNT_LIKES,
    COUNT_COMMENTS,
    COUNT_REACTIONS,
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

/// As [`find_post`]; there is no such post where that finds none.
pub(super) async fn find_view(
    db: &Connection,
    reader: UserId,
    post: PostId,
) -> Result<PostView, Error> {
    let view = find_post(db, reader, post).await?;
    view.ok_or_else(|| Error::not_found("post"))
}

const LIST_NEW: &str = concat!(
    "
select",
    post_columns!(),
    ",
    0::bigint as like_count, 0::bigint as comment_count, '{}'::jsonb as reactions, false as liked_by_me,
    null::text as my_reaction
from posts post
join users account on account.id = post.author_id
where post.id = any($1) and post.deleted_at is null
order by post.id"
);

/// These posts, for everybody alike, as nobody has touched them.
pub(super) async fn list_new(db: &Connection, posts: &[PostId]) -> Result<Vec<PostView>, Error> {
    let posts: Vec<i64> = posts.iter().map(|post| post.get()).collect();
    db.query(LIST_NEW, &[&posts]).await
}

const FIND_VISIBLE: &str = concat!(
    "
select post.author_id, post.kind = 'activity' as is_activity
from posts post
join users account on account.id = post.author_id
where post.id = $2 and post.deleted_at is null and ",
    may_see_post!()
);

/// A post that somebody may see, for what is done with posts.
#[derive(Debug, Clone, Copy)]
pub struct Visible {
    /// Who wrote it.
    pub author: UserId,
    /// Whether it is an activity.
    pub is_activity: bool,
}

impl FromRow for Visible {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            author: row.get("author_id")?,
            is_activity: row.get("is_activity")?,
        })
    }
}

/// The post, if there is one that the reader may see.
pub(super) async fn find_visible(
    db: &Connection,
    reader: UserId,
    post: PostId,
) -> Result<Option<Visible>, Error> {
    db.query_optional(FIND_VISIBLE, &[&reader.get(), &post.get()])
        .await
}

const LIST_POSTS_OF: &str = select_posts!(
    "
    select id from posts
    where author_id = $2 and deleted_at is null and group_id is null and (created_at, id) < ($3, $4)
    order by created_at desc, id desc
    limit $5"
);

/// What this author has posted outside groups, the newest first.
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

const IS_MEMBER: &str = "
select exists (
    select from group_members member
    join groups on groups.id = member.group_id and groups.deleted_at is null
    where member.group_id = $2 and member.user_id = $1
)";

/// Whether what is posted in the group is for that person.
pub(super) async fn is_member(
    db: &Connection,
    person: UserId,
    group: GroupId,
) -> Result<bool, Error> {
    db.query_one(IS_MEMBER, &[&person.get(), &group.get()])
        .await
}

const LIST_POSTS_IN: &str = select_posts!(concat!(
    "
    select written.id
    from posts written
    -- One after the other, in the order of the index, until the page is full.
    cross join lateral (
        select from users account
        where account.id = written.author_id and ",
    crate::users::may_meet_account!(),
    "
        limit 1
    ) author
    where written.group_id = $2 and written.deleted_at is null
        and (written.created_at, written.id) < ($3, $4)
    order by written.created_at desc, written.id desc
    limit $5"
));

/// What was posted in this group, the newest first. Nothing for who is no member, and nothing of people whom the reader
/// blocks or is blocked by.
pub(super) async fn list_posts_in(
    db: &Connection,
    reader: UserId,
    group: GroupId,
    place: Place,
    rows: i64,
) -> Result<Vec<PostView>, Error> {
    let (reader, group) = (reader.get(), group.get());
    db.query(
        LIST_POSTS_IN,
        &[&reader, &group, &place.time.0, &place.id, &rows],
    )
    .await
}

const INSERT_POST: &str = "
insert into posts (
    author_id, content, created_at, attachments, group_id,
    kind, activity_type, duration_minutes, distance_km, notes, activity_date
)
select
    $1, $2, $3, $4, $5::bigint,
    case when $6::text is null then 'post' else 'activity' end, $6, $7, $8, $9, $10
where $5::bigint is null or exists (
    select from group_members member
    join groups on groups.id = member.group_id and groups.deleted_at is null
    where member.group_id = $5 and member.user_id = $1
)
returning id";

/// Stores a new post; `None` if it is for a group that the author is not in.
pub(super) async fn insert_post(
    db: &Connection,
    new: &NewPost<'_>,
    now: Time,
) -> Result<Option<PostId>, Error> {
    let activity = new.activity;
    let parameters: Parameters<'_> = &[
        &new.author.get(),
        &new.content,
        &now.0,
        &json!(new.attachments),
        &new.group.map(GroupId::get),
        &activity.map(|activity| activity.activity_type.as_str()),
        &activity.and_then(|activity| activity.duration_minutes),
        &activity.and_then(|activity| activity.distance_km),
        &activity.and_then(|activity| activity.notes.as_deref()),
        &activity.and_then(|activity| activity.activity_date),
    ];
    db.query_optional(INSERT_POST, parameters).await
}

const LOCK_CONTENT: &str = "
select content from posts
where id = $1 and author_id = $2 and deleted_at is null
for no key update";

/// The text of a post of this author, which nobody changes before the transaction's end; `None` if there is no such post.
pub(super) async fn lock_content(
    db: &Connection,
    (post, author): (PostId, UserId),
) -> Result<Option<String>, Error> {
    db.query_optional(LOCK_CONTENT, &[&post.get(), &author.get()])
        .await
}

const UPDATE_CONTENT: &str = "
update posts
set content = $3, edited_at = $4, attachments = coalesce($6, attachments)
where id = $1 and author_id = $2 and deleted_at is null and created_at >= $5";

/// Changes the text of a post that its author wrote at `written_from` or later, and its attachments where some are given;
/// false if there is no such post.
pub(super) async fn update_content(
    db: &Connection,
    (post, author): (PostId, UserId),
    (content, attachments): (&str, Option<&[Attachment]>),
    now: Time,
    written_from: Time,
) -> Result<bool, Error> {
    let parameters: Parameters<'_> = &[
        &post.get(),
        &author.get(),
        &content,
        &now.0,
        &written_from.0,
        &attachments.map(|attachments| json!(attachments)),
    ];
    let changed = db.execute(UPDATE_CONTENT, parameters).await?;
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

const LIST_VISIBLE: &str = concat!(
    "
select post.id
from posts post
join users account on account.id = post.author_id
where post.id = any($2) and post.deleted_at is null and ",
    may_see_post!()
);

/// Those of these posts that the reader may see.
pub(super) async fn list_visible(
    db: &Connection,
    reader: UserId,
    posts: &[PostId],
) -> Result<Vec<PostId>, Error> {
    let posts: Vec<i64> = posts.iter().map(|post| post.get()).collect();
    db.query(LIST_VISIBLE, &[&reader.get(), &posts]).await
}

const LIST_BLOCKED_PEOPLE: &str = concat!(
    "select blocked.id from ",
    crate::users::blocked_people!("$1"),
    " blocked limit $2"
);

/// Whom the person blocks or is blocked by, so many of them at most.
pub(super) async fn list_blocked_people(
    db: &Connection,
    person: UserId,
    limit: usize,
) -> Result<Vec<UserId>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db.query(LIST_BLOCKED_PEOPLE, &[&person.get(), &limit])
        .await
}

const COUNT_LIKES: &str = "
select post.id, to_jsonb(coalesce((
    select sum(counter.number) from post_counts counter where counter.post_id = post.id and counter.what = 'like'
), 0)) as count
from unnest($1::bigint[]) as post(id)";
const COUNT_COMMENTS: &str = "
select post.id, to_jsonb(coalesce((
    select sum(counter.number) from post_counts counter where counter.post_id = post.id and counter.what = 'comment'
), 0)) as count
from unnest($1::bigint[]) as post(id)";
const COUNT_REACTIONS: &str = "
select post.id, (
    select coalesce(jsonb_object_agg(counted.what, counted.people), '{}')
    from (
        select counter.what, sum(counter.number) as people
        from post_counts counter
        where counter.post_id = post.id and counter.what not in ('like', 'comment')
        group by counter.what
        having sum(counter.number) > 0
        order by people desc, counter.what
        limit 20
    ) counted
) as count
from unnest($1::bigint[]) as post(id)";

/// A count of each of these posts, whoever reads it: what people see live is the same for all.
pub(super) async fn count(
    db: &Connection,
    count: Count,
    posts: &[PostId],
) -> Result<Vec<(PostId, Value)>, Error> {
    let statement = match count {
        Count::Likes => COUNT_LIKES,
        Count::Comments => COUNT_COMMENTS,
        Count::Reactions => COUNT_REACTIONS,
    };
    let posts: Vec<i64> = posts.iter().map(|post| post.get()).collect();
    let counted: Vec<Counted> = db.query(statement, &[&posts]).await?;
    Ok(counted
        .into_iter()
        .map(|row| (row.post, row.count))
        .collect())
}

struct Counted {
    post: PostId,
    count: Value,
}

impl FromRow for Counted {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            post: row.get("id")?,
            count: row.get("count")?,
        })
    }
}
