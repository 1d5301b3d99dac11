//! Statements about the table `reactions`.

use serde_json::Value;
use shared::ids::{PostId, UserId};

use crate::{
    app::{db::Connection, error::Error, time::Time},
    posts::counts_of_post,
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[SET_REACTION, DELETE_REACTION, COUNT_REACTIONS];

const SET_REACTION: &str = "
insert into reactions as own (post_id, user_id, emoji, created_at)
values ($1, $2, $3, $4)
on conflict on constraint reaction_unique do update
set emoji = excluded.emoji, created_at = excluded.created_at
where own.emoji <> excluded.emoji";

/// Reacts to the post, or changes the reaction; false if that is how it was.
pub(super) async fn set_reaction(
    db: &Connection,
    (post, person): (PostId, UserId),
    emoji: &str,
    now: Time,
) -> Result<bool, Error> {
    let changed = db
        .execute(SET_REACTION, &[&post.get(), &person.get(), &emoji, &now.0])
        .await?;
    Ok(changed == 1)
}

const DELETE_REACTION: &str = "
delete from reactions
where post_id = $1 and user_id = $2";

/// Takes the reaction back; false if there was none.
pub(super) async fn delete_reaction(
    db: &Connection,
    post: PostId,
    person: UserId,
) -> Result<bool, Error> {
    let changed = db
        .execute(DELETE_REACTION, &[&post.get(), &person.get()])
        .await?;
    Ok(changed == 1)
}

const COUNT_REACTIONS: &str = concat!(
    "select counts.reactions from (select $2::bigint as id) post cross join lateral ",
    counts_of_post!(),
    " counts"
);

/// How many people reacted with each emoji, as the post shows it to the reader.
pub(super) async fn count_reactions(
    db: &Connection,
    reader: UserId,
    post: PostId,
) -> Result<Value, Error> {
    db.query_one(COUNT_REACTIONS, &[&reader.get(), &post.get()])
        .await
}
