//! Who has read a message: by name, or how many in a large group.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::{ConversationId, UserId};

use crate::{
    app::{
        db::{Connection, FromRow, InvalidRow, Row},
        error::Error,
    },
    users::{Person, may_meet_account, person_columns},
};

/// Who has read. What the viewer may not know is null: both to somebody who hides it of themselves, the names in a group of
/// more than a hundred.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Readers {
    count: Option<i64>,
    readers: Option<Vec<Reader>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Reader {
    #[serde(flatten)]
    person: Person,
    read_seq: i64,
}

impl FromRow for Reader {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            person: Person::from_row(row)?,
            read_seq: row.get("read_seq")?,
        })
    }
}

struct Sight {
    /// The viewer hides it, or nobody has accepted the conversation yet.
    is_hidden: bool,
    is_large: bool,
    count: i64,
}

impl FromRow for Sight {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            is_hidden: row.get("is_hidden")?,
            is_large: row.get("is_large")?,
            count: row.get("count")?,
        })
    }
}

/// Others who have read up to `$3` at least, who show it, and of whom `$1` may know.
macro_rules! readers {
    () => {
        concat!(
            "
from conversation_members reader
join users account on account.id = reader.user_id
where reader.conversation_id = $2 and reader.user_id <> $1 and reader.read_seq >= $3
    and not exists (
        select from conversation_preferences hidden
        where hidden.user_id = reader.user_id and not hidden.read_receipts
    )
    and ",
            may_meet_account!()
        )
    };
}

pub(super) const FIND_SIGHT: &str = concat!(
    "
select
    conversation.request_to is not null or exists (
        select from conversation_preferences hidden
        where hidden.user_id = $1 and not hidden.read_receipts
    ) as is_hidden,
    coalesce(groups.member_count > 100, false) as is_large,
    (select count(*)",
    readers!(),
    ") as count
from conversation_members me
join conversations conversation on conversation.id = me.conversation_id
left join groups on groups.id = conversation.group_id
where me.conversation_id = $2 and me.user_id = $1"
);
pub(super) const LIST_READERS: &str = concat!(
    "
select reader.read_seq, ",
    person_columns!(),
    readers!(),
    "
order by account.id
limit 100"
);

/// The others who have read up to `seq`, as a member may know it; `not_found` for everybody else.
pub(super) async fn find_readers(
    db: &Connection,
    viewer: UserId,
    (conversation, seq): (ConversationId, i64),
) -> Result<Readers, Error> {
    let (viewer, conversation) = (viewer.get(), conversation.get());
    let sight: Option<Sight> = db
        .query_optional(FIND_SIGHT, &[&viewer, &conversation, &seq])
        .await?;
    let sight = sight.ok_or_else(|| Error::not_found("conversation"))?;
    let readers = if sight.is_hidden || sight.is_large {
        None
    } else {
        Some(
            db.query(LIST_READERS, &[&viewer, &conversation, &seq])
                .await?,
        )
    };
    Ok(Readers {
        count: (!sight.is_hidden).then_some(sight.count),
        readers,
    })
}
