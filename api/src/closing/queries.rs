//! Statements on accounts that are closed, and on what is left of them.

use shared::ids::UserId;

use crate::app::{db::Connection, error::Error, time::Time};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    CLOSE,
    LIST_TO_EMPTY,
    HOLD,
    FINISH,
    HIDE_POSTS,
    DELETE_LIKES,
    DELETE_COMMENTS,
    DELETE_REACTIONS,
    DELETE_FOLLOWS,
    DELETE_FOLLOWERS,
    DELETE_FRIENDSHIPS,
    DELETE_BLOCKS,
    DELETE_MUTES,
    DELETE_INVITATIONS,
    DELETE_JOIN_REQUESTS,
    DELETE_NOTIFICATIONS,
];

// The name changes later: it is a key, and a change of a key would wait for everybody who is doing something with this
// account at the moment.
const CLOSE: &str = "
update users
set deleted_at = $2, updated_at = $2, email = 'deleted_' || id || '@invalid', password_hash = '!',
    name = '', bio = '', avatar = null
where id = $1 and deleted_at is null";

/// Closes an account; false where there is none.
pub(super) async fn close(db: &Connection, account: UserId, now: Time) -> Result<bool, Error> {
    let changed = db.execute(CLOSE, &[&account.get(), &now.0]).await?;
    Ok(changed == 1)
}

const LIST_TO_EMPTY: &str = "
select id from users
where deleted_at is not null and emptied_at is null
order by id
limit 10";

/// Some closed accounts of which something is left.
pub(super) async fn list_to_empty(db: &Connection) -> Result<Vec<UserId>, Error> {
    db.query(LIST_TO_EMPTY, &[]).await
}

const HOLD: &str = "select id from users where id = $1 for update";

/// Waits for everybody who is writing something that names this account; nobody does before the transaction's end.
pub(super) async fn hold(db: &Connection, account: UserId) -> Result<(), Error> {
    db.execute(HOLD, &[&account.get()]).await?;
    Ok(())
}

const FINISH: &str = "
update users set username = 'deleted_' || id, emptied_at = $2 where id = $1";

/// Nothing is left of the account.
pub(super) async fn finish(db: &Connection, account: UserId, now: Time) -> Result<(), Error> {
    db.execute(FINISH, &[&account.get(), &now.0]).await?;
    Ok(())
}

const HIDE_POSTS: &str = "
update posts set deleted_at = now()
where id in (
    select id from posts where author_id = $1 and deleted_at is null limit $2
)";

const DELETE_LIKES: &str = "
delete from likes
where user_id = $1 and post_id in (select post_id from likes where user_id = $1 limit $2)";
const DELETE_COMMENTS: &str = "
delete from comments
where id in (select id from comments where author_id = $1 limit $2)";
const DELETE_REACTIONS: &str = "
delete from reactions
where user_id = $1 and post_id in (select post_id from reactions where user_id = $1 limit $2)";
const DELETE_FOLLOWS: &str = "
delete from follows
where follower_id = $1 and followee_id in (
    select followee_id from follows where follower_id = $1 limit $2
)";
const DELETE_FOLLOWERS: &str = "
delete from follows
where followee_id = $1 and follower_id in (
    select follower_id from follows where followee_id = $1 limit $2
)";
const DELETE_FRIENDSHIPS: &str = "
delete from friendships
where (first_user_id, second_user_id) in (
    select first_user_id, second_user_id from friendships where first_user_id = $1
    union all
    select first_user_id, second_user_id from friendships where second_user_id = $1
    limit $2
)";
const DELETE_BLOCKS: &str = "
delete from blocks
where (blocker_id, blocked_id) in (
    select blocker_id, blocked_id from blocks where blocker_id = $1
    union all
    select blocker_id, blocked_id from blocks where blocked_id = $1
    limit $2
)";
const DELETE_MUTES: &str = "
delete from mutes
where (muter_id, muted_id) in (
    select muter_id, muted_id from mutes where muter_id = $1
    union all
    select muter_id, muted_id from mutes where muted_id = $1
    limit $2
)";
const DELETE_INVITATIONS: &str = "
delete from group_invitations
where (group_id, user_id) in (
    select group_id, user_id from group_invitations where user_id = $1
    union all
    select group_id, user_id from group_invitations where inviter_id = $1
    limit $2
)";
const DELETE_JOIN_REQUESTS: &str = "
delete from group_join_requests
where user_id = $1 and group_id in (
    select group_id from group_join_requests where user_id = $1 limit $2
)";
const DELETE_NOTIFICATIONS: &str = "
delete from notifications
where id in (select id from notifications where user_id = $1 limit $2)";

/// Each takes away at most `$2` of what `$1` did.
pub(super) const STEPS: &[&str] = &[
    HIDE_POSTS,
    DELETE_LIKES,
    DELETE_COMMENTS,
    DELETE_REACTIONS,
    DELETE_FOLLOWS,
    DELETE_FOLLOWERS,
    DELETE_FRIENDSHIPS,
    DELETE_BLOCKS,
    DELETE_MUTES,
    DELETE_INVITATIONS,
    DELETE_JOIN_REQUESTS,
    DELETE_NOTIFICATIONS,
];
