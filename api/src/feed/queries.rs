//! The statements that make feeds: one for a page, whatever its length.

use shared::ids::UserId;

use crate::{
    app::{db::Connection, error::Error, http::place::Place},
    posts::{PostView, select_posts},
    users::{may_meet_account, may_see_account},
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[LIST_FOLLOWING, LIST_PUBLIC];

// Merged when it is read: a page's worth of each author from the index of that author's posts, of which the newest stay.
// Nothing has to be written for each follower when somebody posts, and following somebody shows in the feed at once.
const LIST_FOLLOWING: &str = select_posts!(concat!(
    "
    select recent.id
    from (
        select $1::bigint as author_id
        union
        select followee_id from follows where follower_id = $1 and status = 'accepted'
        union
        select friend_id from friend_links where user_id = $1 and status = 'accepted'
    ) source
    -- Whoever may not be seen would leave holes in the page. Asked for each author, not for each post.
    join users account on account.id = source.author_id and ",
    may_see_account!(),
    "
    cross join lateral (
        select written.id, written.created_at
        from posts written
        where written.author_id = source.author_id and written.deleted_at is null
            and written.group_id is null
            and (written.created_at, written.id) < ($2, $3)
        order by written.created_at desc, written.id desc
        limit $4
    ) recent
    order by recent.created_at desc, recent.id desc
    limit $4"
));

const LIST_PUBLIC: &str = select_posts!(concat!(
    "
    select written.id
    from posts written
    join users account on account.id = written.author_id
    where written.deleted_at is null and written.group_id is null and not account.is_private
        and (written.created_at, written.id) < ($2, $3)
        and ",
    may_meet_account!(),
    "
    order by written.created_at desc, written.id desc
    limit $4"
));

/// Posts of everybody whose account is public, the newest first.
pub(super) async fn list_public(
    db: &Connection,
    reader: UserId,
    place: Place,
    rows: i64,
) -> Result<Vec<PostView>, Error> {
    db.query(
        LIST_PUBLIC,
        &[&reader.get(), &place.time.0, &place.id, &rows],
    )
    .await
}

/// Posts of the reader, of those the reader follows, and of friends, the newest first.
pub async fn list_following(
    db: &Connection,
    reader: UserId,
    place: Place,
    rows: i64,
) -> Result<Vec<PostView>, Error> {
    db.query(
        LIST_FOLLOWING,
        &[&reader.get(), &place.time.0, &place.id, &rows],
    )
    .await
}
