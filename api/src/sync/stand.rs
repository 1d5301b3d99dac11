//! Where a person stands: the ends of all channels that they hear, at one moment.

use std::collections::BTreeMap;

use shared::{
    ids::{GroupId, UserId},
    wire::{Channel, Epoch, Offset, Position},
};

use super::cursor::{Cursor, Mark};
use crate::app::{
    db::{Connection, FromRow, InvalidRow, Moment, Row},
    error::Error,
    http::page,
};

pub(super) const STATEMENTS: &[&str] = &[FIND_STAND];

// One statement, and so one moment: memberships, heads, and what can be seen. A head is changed by the transaction that
// makes the change, so whatever is seen with a head is the state at that head.
const FIND_STAND: &str = "
select
    epoch.bits,
    pg_current_snapshot()::text as moment,
    coalesce((select head from channel_heads where channel = 'user:' || $1::bigint), 0) as head,
    array(select group_id from group_members where user_id = $1 order by group_id) as groups,
    array(
        select coalesce(heads.head, 0)
        from group_members me
        left join channel_heads heads on heads.channel = 'group:' || me.group_id
        where me.user_id = $1
        order by me.group_id
    ) as group_heads
from log_epoch epoch";

/// Where somebody stands.
#[derive(Debug)]
pub struct Stand {
    pub(super) epoch: Epoch,
    pub(super) moment: Moment,
    head: Offset,
    groups: Vec<(GroupId, Offset)>,
}

impl FromRow for Stand {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        let impossible = |column: &str| InvalidRow::Value {
            column: column.to_owned(),
        };
        let offset = |head: i64| Offset::try_from(head).map_err(|_| impossible("head"));
        let bits: i64 = row.get("bits")?;
        let moment: String = row.get("moment")?;
        let groups: Vec<GroupId> = row.get("groups")?;
        let heads: Vec<i64> = row.get("group_heads")?;
        let heads = heads.into_iter().map(offset);
        Ok(Self {
            epoch: Epoch::from_bits(bits.cast_unsigned()),
            moment: moment.parse().map_err(|_| impossible("moment"))?,
            head: offset(row.get("head")?)?,
            groups: groups
                .into_iter()
                .zip(heads)
                .map(|(group, head)| Ok((group, head?)))
                .collect::<Result<_, InvalidRow>>()?,
        })
    }
}

/// Where the user stands at the moment that the connection sees.
pub async fn find_stand(db: &Connection, user: UserId) -> Result<Stand, Error> {
    db.query_one(FIND_STAND, &[&user.get()]).await
}

impl Stand {
    /// The durable channels that the user's sockets hear, and where each of them ends.
    pub fn channels(&self, user: UserId) -> BTreeMap<Channel, Position> {
        let groups = self.groups.iter();
        let groups = groups.map(|(group, head)| (Channel::Group(*group), *head));
        let channels = std::iter::once((Channel::User(user), self.head)).chain(groups);
        let at = |offset| Position {
            epoch: self.epoch,
            offset,
        };
        channels.map(|(name, head)| (name, at(head))).collect()
    }

    /// A cursor for who knows the state at this moment.
    pub fn cursor(&self, user: UserId) -> String {
        page::encode(&Cursor {
            user,
            epoch: self.epoch,
            since: self.mark(),
            round: None,
        })
    }

    /// This moment, as a cursor names it.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            moment: self.moment.clone(),
            head: self.head,
            group_count: u64::try_from(self.groups.len()).unwrap_or(u64::MAX),
            group_heads: self.groups.iter().map(|(_, head)| head).sum(),
        }
    }
}
