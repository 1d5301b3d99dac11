//! A post as readers get it, and the one statement that makes it, whatever list it is for.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use shared::ids::{GroupId, PostId};

use super::{Activity, Attachment};
use crate::{
    app::{
        db::{FromRow, InvalidRow, Row},
        http::place::Place,
        time::Time,
    },
    users::Person,
};

/// A post, with everything that a list of posts shows.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PostView {
    /// Its id.
    pub id: PostId,
    /// `post` or `activity`.
    pub kind: String,
    /// The text, as it was given.
    pub content: String,
    /// What an activity has beyond a post.
    #[serde(flatten)]
    pub activity: Option<Activity>,
    /// What is attached.
    pub attachments: Vec<Attachment>,
    /// The group it is for.
    pub group_id: Option<GroupId>,
    /// Who wrote it.
    pub author: Person,
    /// When it was written.
    pub created_at: Time,
    /// When the text was last changed.
    pub edited_at: Option<Time>,
    /// People who like it, without those whom the reader blocks or is blocked by.
    pub like_count: i64,
    /// Comments under it, without theirs.
    pub comment_count: i64,
    /// Whether the reader is one of those who like it.
    pub liked_by_me: bool,
    /// How many people reacted with each emoji; the twenty that most people chose.
    pub reactions: Value,
    /// The emoji that the reader reacted with.
    pub my_reaction: Option<String>,
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
            activity: Activity::from_row(row)?,
            attachments: row.get_json("attachments")?,
            group_id: row.get("group_id")?,
            author: Person::from_row(row)?,
            created_at: row.get("created_at")?,
            edited_at: row.get("edited_at")?,
            like_count: row.get("like_count")?,
            comment_count: row.get("comment_count")?,
            liked_by_me: row.get("liked_by_me")?,
            reactions: row.get("reactions")?,
            my_reaction: row.get("my_reaction")?,
        })
    }
}

/// Whether the reader (`$1`) may see `post` by `account`: in a group its members may, else whoever may see what the
/// account shows.
macro_rules! may_see_post {
    () => {
        concat!(
            "case when post.group_id is null then ",
            crate::users::may_see_account!(),
            " else ",
            crate::users::may_meet_account!(),
            " and exists (
                select from group_members member
                join groups on groups.id = member.group_id and groups.deleted_at is null
                where member.group_id = post.group_id and member.user_id = $1
            ) end"
        )
    };
}

/// What is counted of `post`, as one row of `like_count`, `comment_count` and `reactions`: without the acts of people whom
/// the reader (`$1`) blocks or is blocked by. From the counters, of which there are sixteen of a kind at most, so that it
/// costs the same however many people like the post; only acts of blocked people are looked up one by one.
macro_rules! counts_of_post {
    () => {
        concat!(
            "(
    select
        coalesce(max(ranked.number) filter (where ranked.what = 'like'), 0) as like_count,
        coalesce(max(ranked.number) filter (where ranked.what = 'comment'), 0) as comment_count,
        coalesce(
            jsonb_object_agg(ranked.what, ranked.number)
                filter (where ranked.is_emoji and ranked.number > 0 and ranked.place <= 20),
            '{}'
        ) as reactions
    from (
        select
            counted.what, sum(counted.number)::bigint as number,
            counted.what not in ('like', 'comment') as is_emoji,
            row_number() over (
                partition by counted.what in ('like', 'comment') order by sum(counted.number) desc, counted.what
            ) as place
        from (
            select counter.what, counter.number from post_counts counter where counter.post_id = post.id
            union all
            select hidden.what, -1
            from ",
            crate::users::blocked_people!("$1"),
            " blocked
            -- From each of these few people to what they did, never from what all people did to who they are.
            cross join lateral (
                select 'like' as what from likes given
                where given.post_id = post.id and given.user_id = blocked.id
                union all
                select 'comment' from comments comment
                where comment.post_id = post.id and comment.author_id = blocked.id
                union all
                select reaction.emoji from reactions reaction
                where reaction.post_id = post.id and reaction.user_id = blocked.id
                offset 0
            ) hidden
        ) counted
        group by counted.what
    ) ranked
)"
        )
    };
}

/// The columns that a [`PostView`] is read from and that are the same for every reader, out of `post` and its `account`.
macro_rules! post_columns {
    () => {
        concat!(
            "
    post.id, post.kind, post.content, post.activity_type, post.duration_minutes, post.distance_km, post.notes,
    post.activity_date, post.attachments, post.group_id,
    ",
            crate::users::person_columns!(),
            ",
    post.created_at, post.edited_at"
        )
    };
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
select",
            $crate::posts::post_columns!(),
            ",
    counts.like_count, counts.comment_count,
    exists (
        select from likes given where given.post_id = post.id and given.user_id = $1
    ) as liked_by_me,
    counts.reactions,
    (
        select own.emoji from reactions own where own.post_id = post.id and own.user_id = $1
    ) as my_reaction
from page
join posts post on post.id = page.id
join users account on account.id = post.author_id
cross join lateral ",
            $crate::posts::counts_of_post!(),
            " counts
where post.deleted_at is null and ",
            $crate::posts::may_see_post!(),
            "
order by post.created_at desc, post.id desc"
        )
    };
}

pub(crate) use {counts_of_post, may_see_post, post_columns, select_posts};
