//! Many members at once, for load tests: people who cannot log in, in a group that exists.

use shared::ids::{GroupId, UserId};

use super::{change, queries::groups::NewGroup};
use crate::app::{App, db::Connection, error::Error, time::Time};

/// Makes a group of this owner's with `count` more people in it.
pub async fn gather_crowd(
    app: &App,
    owner: UserId,
    count: i64,
) -> Result<(GroupId, Vec<UserId>), Error> {
    let group = NewGroup {
        name: format!("A crowd of {count}"),
        description: String::new(),
        avatar: None,
        is_private: true,
    };
    let group = change::create(app, owner, &group).await?.id;
    let people = add_crowd(&app.read().await?, group, count, app.now()).await?;
    Ok((group, people))
}

// As many joins would leave it, but for the events that tell of them and the versions that order these.
pub(super) const ADD_CROWD: &str = "
with crowd as (
    insert into users (username, email, password_hash, name, created_at, updated_at)
    select name, name || '@example.com', '!', initcap(name), $3, $3
    from (select 'crowd_' || $1::bigint || '_' || number as name from generate_series(1, $2::bigint) as number) named
    returning id
),
members as (
    insert into group_members (group_id, user_id, role, joined_at)
    select $1, id, 'member', $3 from crowd
),
readers as (
    insert into conversation_members (conversation_id, user_id, read_seq, joined_at)
    select chat.id, crowd.id, chat.last_seq, $3
    from conversations chat, crowd
    where chat.group_id = $1
),
counted as (
    update groups set member_count = member_count + $2 where id = $1
)
select id from crowd order by id";

/// Makes `count` people and members of them; once for a group. Nobody may listen to the group yet: nothing is told.
pub async fn add_crowd(
    db: &Connection,
    group: GroupId,
    count: i64,
    now: Time,
) -> Result<Vec<UserId>, Error> {
    db.query(ADD_CROWD, &[&group.get(), &count, &now.0]).await
}
