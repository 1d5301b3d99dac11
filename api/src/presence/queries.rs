//! Statements about the table `last_seen`, and about who may see it.

use std::collections::HashMap;

use shared::{
    ids::UserId,
    presence::{CONTACTS_MAX, Contacts, ContactsAt, LastSeen, Seen},
    wire::{Epoch, Offset, Position},
};

use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Row},
        error::Error,
        time::Time,
    },
    users::{is_contact_of_account, may_meet_account},
};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[HAS_ACCOUNT, VISIBLE, VISIBLE_CONTACTS, CONTACTS, REPORT];

const HAS_ACCOUNT: &str = "
select exists (select from users where id = $1 and deleted_at is null)";

/// Whether there is such an account, whoever blocks it.
pub(super) async fn has_account(db: &Connection, user: UserId) -> Result<bool, Error> {
    db.query_one(HAS_ACCOUNT, &[&user.get()]).await
}

/// Somebody whose presence the viewer may see.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visible {
    user_id: UserId,
    /// Looks offline all the same.
    pub(super) invisible: bool,
    pub(super) last_seen: Option<Seen>,
}

impl Visible {
    /// As it is known without PostgreSQL.
    pub(super) fn without_history(user_id: UserId, invisible: bool) -> Self {
        Self {
            user_id,
            invisible,
            last_seen: None,
        }
    }
}

impl FromRow for Visible {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        let last_seen: Option<Time> = row.get("at")?;
        Ok(Self {
            user_id: row.get("id")?,
            invisible: row.get("invisible")?,
            last_seen: last_seen.map(|time| Seen(time.0.as_millisecond())),
        })
    }
}

const VISIBLE: &str = concat!(
    "
select account.id, account.invisible_since is not null and account.id <> $1 as invisible, seen.at
from users account
left join last_seen seen on seen.user_id = account.id
where account.id = any($2) and (account.id = $1 or ",
    is_contact_of_account!(),
    ") and ",
    may_meet_account!()
);

/// Those of the people whose presence the viewer may see.
pub(super) async fn visible(
    db: &Connection,
    viewer: UserId,
    people: &[UserId],
) -> Result<HashMap<UserId, Visible>, Error> {
    let ids: Vec<i64> = people.iter().map(|user| user.get()).collect();
    let visible: Vec<Visible> = db.query(VISIBLE, &[&viewer.get(), &ids]).await?;
    Ok(visible.into_iter().map(|one| (one.user_id, one)).collect())
}

const VISIBLE_CONTACTS: &str = concat!(
    "
select account.id
from users account
where account.id > $2 and account.id in (
        select friend_id from friend_links where user_id = $1 and status = 'accepted'
        union all
        select followee_id from follows where follower_id = $1 and status = 'accepted'
    )
    and account.invisible_since is null and ",
    is_contact_of_account!(),
    " and ",
    may_meet_account!(),
    "
order by account.id
limit $3"
);

/// The contacts of somebody who are not invisible and have a larger id, in its order; no more than anybody is told of.
pub(super) async fn visible_contacts(
    db: &Connection,
    viewer: UserId,
    after: i64,
) -> Result<Vec<UserId>, Error> {
    let most = i64::try_from(CONTACTS_MAX).unwrap_or(i64::MAX);
    db.query(VISIBLE_CONTACTS, &[&viewer.get(), &after, &most])
        .await
}

/// A [`ContactsAt`], out of a row.
struct Mirrored(ContactsAt);

impl FromRow for Mirrored {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        let (head, bits): (i64, i64) = (row.get("head")?, row.get("bits")?);
        let impossible = |_| InvalidRow::Value {
            column: "head".to_owned(),
        };
        Ok(Self(ContactsAt {
            user_id: row.get("id")?,
            contacts: Contacts {
                invisible: row.get("invisible")?,
                people: row.get("people")?,
            },
            at: Position {
                epoch: Epoch::from_bits(bits.cast_unsigned()),
                offset: Offset::try_from(head).map_err(impossible)?,
            },
        }))
    }
}

// One statement, and so one snapshot: the contacts are those as of exactly this head.
const CONTACTS: &str = "
select
    account.id,
    account.invisible_since is not null as invisible,
    epoch.bits,
    coalesce((select head from channel_heads where channel = 'user:' || account.id), 0) as head,
    array(
        select friend_id from friend_links where user_id = account.id and status = 'accepted'
        union
        select mine.followee_id
        from follows mine
        join follows theirs on theirs.follower_id = mine.followee_id and theirs.followee_id = mine.follower_id
        where mine.follower_id = account.id and mine.status = 'accepted' and theirs.status = 'accepted'
        order by 1
        limit $2
    ) as people
from users account cross join log_epoch epoch
where account.id = any($1)";

/// The contacts of these people, and where the logs of their channels end.
pub(super) async fn contacts(db: &Connection, people: &[UserId]) -> Result<Vec<ContactsAt>, Error> {
    let ids: Vec<i64> = people.iter().map(|user| user.get()).collect();
    let most = i64::try_from(CONTACTS_MAX).unwrap_or(i64::MAX);
    let mirrored: Vec<Mirrored> = db.query(CONTACTS, &[&ids, &most]).await?;
    Ok(mirrored.into_iter().map(|Mirrored(one)| one).collect())
}

// Whoever is invisible was last seen when they became so, whatever they did since. Locked in the order of ids.
const REPORT: &str = "
insert into last_seen (user_id, at)
select account.id, least(to_timestamp(max(seen.at_ms) / 1000.0), account.invisible_since, $3::timestamptz)
from unnest($1::bigint[], $2::bigint[]) as seen (user_id, at_ms)
join users account on account.id = seen.user_id
group by account.id
order by account.id
on conflict (user_id) do update set at = greatest(last_seen.at, excluded.at)";

/// Writes down when people were last seen; never earlier than what is known, nor later than now.
pub(super) async fn report(db: &Connection, seen: &[LastSeen], now: Time) -> Result<(), Error> {
    let ids: Vec<i64> = seen.iter().map(|one| one.user_id.get()).collect();
    let times: Vec<i64> = seen.iter().map(|one| one.at_ms).collect();
    db.execute(REPORT, &[&ids, &times, &now.0]).await?;
    Ok(())
}
