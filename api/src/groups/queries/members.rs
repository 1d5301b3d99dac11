//! Who is in a group.

use shared::{
    ids::{GroupId, UserId},
    membership::{Memberships, MembershipsAt},
    wire::{Epoch, Offset, Position},
};

use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Parameters, Row},
        error::Error,
        http::place::Place,
        time::Time,
    },
    groups::{group::MemberView, role::Role},
    users::person_columns,
};

pub(super) const FIND_ROLE: &str = "
select role from group_members where group_id = $1 and user_id = $2";

/// What the user is in the group; `None` for somebody who is no member.
pub(in crate::groups) async fn find_role(
    db: &Connection,
    group: GroupId,
    user: UserId,
) -> Result<Option<Role>, Error> {
    db.query_optional(FIND_ROLE, &[&group.get(), &user.get()])
        .await
}

// Whoever joins has read what was written before.
pub(super) const ADD_MEMBER: &str = "
with member as (
    insert into group_members (group_id, user_id, role, joined_at)
    values ($1, $2, $3, $4)
),
reader as (
    insert into conversation_members (conversation_id, user_id, read_seq, joined_at)
    select chat.id, $2, chat.last_seq, $4
    from conversations chat
    where chat.group_id = $1
),
invitation as (
    delete from group_invitations where group_id = $1 and user_id = $2
),
request as (
    delete from group_join_requests where group_id = $1 and user_id = $2
)
update groups
set member_count = member_count + 1
where id = $1
returning member_count";

/// Makes somebody a member who is none, and says how many there are now. The group must be locked.
pub(in crate::groups) async fn add_member(
    db: &Connection,
    group: GroupId,
    user: UserId,
    role: Role,
    now: Time,
) -> Result<i64, Error> {
    let parameters: Parameters<'_> = &[&group.get(), &user.get(), &role.name(), &now.0];
    db.query_one(ADD_MEMBER, parameters).await
}

pub(super) const REMOVE_MEMBER: &str = "
with member as (
    delete from group_members where group_id = $1 and user_id = $2
),
reader as (
    delete from conversation_members reader
    using conversations chat
    where chat.group_id = $1 and reader.conversation_id = chat.id and reader.user_id = $2
)
update groups
set member_count = member_count - 1
where id = $1
returning member_count";

/// Ends the membership of somebody who is a member, and says how many are left. The group must be locked.
pub(in crate::groups) async fn remove_member(
    db: &Connection,
    group: GroupId,
    user: UserId,
) -> Result<i64, Error> {
    db.query_one(REMOVE_MEMBER, &[&group.get(), &user.get()])
        .await
}

pub(super) const SET_ROLE: &str = "
update group_members set role = $3 where group_id = $1 and user_id = $2";

/// Gives a member a role.
pub(in crate::groups) async fn set_role(
    db: &Connection,
    group: GroupId,
    user: UserId,
    role: Role,
) -> Result<(), Error> {
    db.execute(SET_ROLE, &[&group.get(), &user.get(), &role.name()])
        .await?;
    Ok(())
}

pub(super) const LIST_MEMBERS: &str = concat!(
    "
select member.role, member.joined_at, ",
    person_columns!(),
    "
from group_members member
join users account on account.id = member.user_id
where member.group_id = $1 and (member.joined_at, member.user_id) < ($2, $3)
order by member.joined_at desc, member.user_id desc
limit $4"
);

/// The members, the newest first.
pub(in crate::groups) async fn list_members(
    db: &Connection,
    group: GroupId,
    place: Place,
    rows: i64,
) -> Result<Vec<MemberView>, Error> {
    let parameters: Parameters<'_> = &[&group.get(), &place.time.0, &place.id, &rows];
    db.query(LIST_MEMBERS, parameters).await
}

// The owner among them, whatever their number: those who are told of requests are bounded.
pub(super) const LIST_ADMINS: &str = "
select user_id
from group_members
where group_id = $1 and role in ('owner', 'admin')
order by role desc, joined_at
limit 20";

/// Who answers requests: the owner, and the admins, at most twenty.
pub(in crate::groups) async fn list_admins(
    db: &Connection,
    group: GroupId,
) -> Result<Vec<UserId>, Error> {
    db.query(LIST_ADMINS, &[&group.get()]).await
}

pub(super) const LIST_GROUPS_OF: &str = "
select group_id from group_members where user_id = $1 order by group_id";

/// The groups that the user is in, by id; at most [`GROUPS_MAX`](shared::membership::GROUPS_MAX).
pub(in crate::groups) async fn list_groups_of(
    db: &Connection,
    user: UserId,
) -> Result<Vec<GroupId>, Error> {
    db.query(LIST_GROUPS_OF, &[&user.get()]).await
}

pub(super) const FIND_HEIR: &str = "
select user_id
from group_members
where group_id = $1 and role <> 'owner'
order by role <> 'admin', joined_at, user_id
limit 1";

/// Who the group goes to when its owner is gone: the admin, else the member, who has been there longest. `None` where there
/// is nobody else.
pub(in crate::groups) async fn find_heir(
    db: &Connection,
    group: GroupId,
) -> Result<Option<UserId>, Error> {
    db.query_optional(FIND_HEIR, &[&group.get()]).await
}

pub(super) const COUNT_UP_VERSION: &str = "
insert into membership_versions (user_id, version)
values ($1, 1)
on conflict (user_id) do update set version = membership_versions.version + 1
returning version";

/// Counts a change of the user's memberships; the next one waits for the transaction's end.
pub(in crate::groups) async fn count_up_version(
    db: &Connection,
    user: UserId,
) -> Result<i64, Error> {
    db.query_one(COUNT_UP_VERSION, &[&user.get()]).await
}

pub(super) const COUNT_GROUPS: &str = "
select count(*) from group_members where user_id = $1";

/// How many groups the user is in.
pub(in crate::groups) async fn count_groups(db: &Connection, user: UserId) -> Result<i64, Error> {
    db.query_one(COUNT_GROUPS, &[&user.get()]).await
}

pub(super) const FIND_HEAD: &str = "
select coalesce((select head from channel_heads where channel = 'group:' || $1::bigint), 0)";

/// Where the log of the group's channel ends, as far as this transaction sees: its own events come later.
pub(in crate::groups) async fn find_head(db: &Connection, group: GroupId) -> Result<Offset, Error> {
    let head: i64 = db.query_one(FIND_HEAD, &[&group.get()]).await?;
    Offset::try_from(head).map_err(Error::internal)
}

/// A [`MembershipsAt`], out of a row.
pub(in crate::groups) struct Mirrored(pub(in crate::groups) MembershipsAt);

impl FromRow for Mirrored {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        let (head, bits): (i64, i64) = (row.get("head")?, row.get("bits")?);
        let impossible = |_| InvalidRow::Value {
            column: "head".to_owned(),
        };
        Ok(Self(MembershipsAt {
            memberships: Memberships {
                version: row.get("version")?,
                groups: row.get("groups")?,
            },
            at: Position {
                epoch: Epoch::from_bits(bits.cast_unsigned()),
                offset: Offset::try_from(head).map_err(impossible)?,
            },
        }))
    }
}

// One statement, and so one snapshot: the memberships are those as of exactly this head.
pub(super) const MEMBERSHIPS: &str = "
select
    epoch.bits,
    coalesce((select head from channel_heads where channel = 'user:' || $1::bigint), 0) as head,
    coalesce((select version from membership_versions where user_id = $1), 0) as version,
    array(select group_id from group_members where user_id = $1 order by group_id) as groups
from log_epoch epoch";

/// What the user is a member of, and where the log of the user's channel ends.
pub(in crate::groups) async fn memberships(
    db: &Connection,
    user: UserId,
) -> Result<MembershipsAt, Error> {
    let Mirrored(memberships) = db.query_one(MEMBERSHIPS, &[&user.get()]).await?;
    Ok(memberships)
}
