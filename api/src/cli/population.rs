//! People, follows, posts, likes and comments in any number, for measurements.
//!
//! Made by the database itself, in pieces that are each a statement of moderate length. Who follows whom is uneven, as it
//! is in life: a few are followed by very many. Posts are spread over a year, in the order of their ids.

use shared::ids::UserId;

use crate::app::{
    db::{Connection, Parameters},
    error::Error,
    time::Time,
};

/// How many of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) people: i64,
    pub(crate) follows: i64,
    pub(crate) posts: i64,
    pub(crate) likes: i64,
    pub(crate) comments: i64,
}

/// What was made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Population {
    /// The first of the people; the others have the ids that follow.
    pub(crate) first_person: i64,
    pub(crate) people: i64,
    /// The first of the posts; the others have the ids that follow.
    pub(crate) first_post: i64,
    pub(crate) posts: i64,
}

impl Population {
    /// Some of the people.
    pub(crate) fn people(&self, count: i64) -> Vec<UserId> {
        let ids = (0..count.min(self.people)).map(|number| self.first_person + number);
        ids.filter_map(|id| UserId::new(id).ok()).collect()
    }
}

/// Rows of one statement.
const PIECE: i64 = 20_000;

// Every hundredth account is private.
const ADD_PEOPLE: &str = "
insert into users (username, email, password_hash, name, is_private, created_at, updated_at)
select
    'p' || number, 'p' || number || '@example.com', '!', 'Person ' || md5(number::text),
    number % 100 = 0, $3, $3
from generate_series($1::bigint, $2::bigint) as number
order by number";

const ADD_FOLLOWS: &str = "
insert into follows (follower_id, followee_id, status, created_at)
select follower, followee, 'accepted', $5::timestamptz - random() * interval '1 year'
from (
    select $3::bigint + number % $4::bigint as follower, $3 + (random() ^ 3 * ($4 - 1))::bigint as followee
    from generate_series($1::bigint, $2::bigint) as number
) pair
where follower <> followee
on conflict do nothing";

const ADD_POSTS: &str = "
insert into posts (author_id, content, created_at)
select
    $3::bigint + (random() * ($4::bigint - 1))::bigint, 'Post number ' || number,
    $5::timestamptz - (1 - number::double precision / $6::bigint) * interval '1 year'
from generate_series($1::bigint, $2::bigint) as number
order by number";

const ADD_LIKES: &str = "
insert into likes (post_id, user_id, created_at)
select
    $6::bigint + (random() * ($7::bigint - 1))::bigint, $3::bigint + (random() * ($4::bigint - 1))::bigint, $5
from generate_series($1::bigint, $2::bigint)
on conflict do nothing";

const ADD_COMMENTS: &str = "
insert into comments (post_id, author_id, content, created_at)
select
    $6::bigint + (random() * ($7::bigint - 1))::bigint, $3::bigint + (random() * ($4::bigint - 1))::bigint,
    'Comment number ' || number, $5
from generate_series($1::bigint, $2::bigint) as number";

const FIRST_PERSON: &str = "select id from users where username = 'p1'";
const FIRST_POST: &str = "select coalesce(max(id), 0) + 1 from posts";

/// Makes all of it, once in a database that nobody else writes to.
pub(crate) async fn populate(
    db: &Connection,
    sizes: &Sizes,
    now: Time,
) -> Result<Population, Error> {
    for (from, to) in pieces(sizes.people) {
        db.execute(ADD_PEOPLE, &[&from, &to, &now.0]).await?;
    }
    let first_person: i64 = db.query_one(FIRST_PERSON, &[]).await?;
    let first_post: i64 = db.query_one(FIRST_POST, &[]).await?;
    let (people, posts) = (sizes.people, sizes.posts);
    for (from, to) in pieces(sizes.follows) {
        let follows: Parameters<'_> = &[&from, &to, &first_person, &people, &now.0];
        db.execute(ADD_FOLLOWS, follows).await?;
    }
    for (from, to) in pieces(posts) {
        let written: Parameters<'_> = &[&from, &to, &first_person, &people, &now.0, &posts];
        db.execute(ADD_POSTS, written).await?;
    }
    for (statement, count) in [(ADD_LIKES, sizes.likes), (ADD_COMMENTS, sizes.comments)] {
        for (from, to) in pieces(count) {
            let about: Parameters<'_> = &[
                &from,
                &to,
                &first_person,
                &people,
                &now.0,
                &first_post,
                &posts,
            ];
            db.execute(statement, about).await?;
        }
    }
    db.execute("analyze", &[]).await?;
    Ok(Population {
        first_person,
        people,
        first_post,
        posts,
    })
}

fn pieces(count: i64) -> impl Iterator<Item = (i64, i64)> {
    let begins = (0..).map(|piece| piece * PIECE + 1);
    let begins = begins.take_while(move |from| *from <= count);
    begins.map(move |from| (from, count.min(from + PIECE - 1)))
}
