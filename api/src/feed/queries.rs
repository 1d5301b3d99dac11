//! The statements that make feeds: one for a page, whatever its length.

use shared::ids::UserId;

use crate::{
    app::{db::Connection, error::Error, http::place::Place},
    posts::{PostView, select_posts},
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[LIST_FOLLOWING];

// Merged when it is read: a page's worth of each author from the index of that author's posts, of which the newest stay.
// Nothing has to be written for each follower when somebody posts, and following somebody shows in the feed at once.
const LIST_FOLLOWING: &str = select_posts!(
    "
    select recent.id
    from (
        select $1::bigint as author_id
        union all
        select followee_id from follows where follower_id = $1 and status = 'accepted'
    ) source
    cross join lateral (
        select written.id, written.created_at
        from posts written
        where written.author_id = source.author_id and written.deleted_at is null
            and (written.created_at, written.id) < ($2, $3)
        order by written.created_at desc, written.id desc
        limit $4
    ) recent
    order by recent.created_at desc, recent.id desc
    limit $4"
);

/// Posts of the reader and of those the reader follows, the newest first.
pub(super) async fn list_following(
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
