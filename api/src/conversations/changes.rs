//! What has changed in somebody's conversations between two moments.
//!
//! It costs a look at each of the person's conversations, as the list of them does, and is asked only where something has
//! changed.

use shared::ids::{ConversationId, UserId};

use super::{ConversationView, MessageView, list::select_conversations, message_columns};
use crate::app::{
    db::{Connection, Parameters, Round, changed_in_round, round_columns},
    error::Error,
};

// New messages are those behind the last one that was known: numbers are given out in the order of commits. Those that were
// changed later stand in an index of their own. Of a conversation with very many new ones, only the newest thousand: the
// hole before them shows in their numbers, and no page costs more than another.
pub(super) const LIST_CHANGED_MESSAGES: &str = concat!(
    "
with round as materialized ",
    round_columns!(),
    ",
mine as (
    select
        conversation.id, conversation.last_seq,
        not pg_visible_in_snapshot(conversation.changed_in, round.since) as is_changed
    from round
    cross join conversation_members me
    join conversations conversation on conversation.id = me.conversation_id
    where me.user_id = $1 and me.conversation_id >= $4
        -- Who has turned a request down hears no more of it.
        and (conversation.request_status is distinct from 'rejected' or conversation.request_to <> $1)
),
message as (
    select found.*
    from round
    cross join mine
    cross join lateral (
        select coalesce(
            case when not mine.is_changed then mine.last_seq end,
            (
                select recent.seq
                from messages recent
                where recent.conversation_id = mine.id and recent.seq > mine.last_seq - 1000
                    and pg_visible_in_snapshot(recent.changed_in, round.since)
                order by recent.seq desc
                limit 1
            ),
            mine.last_seq - 1000
        ) as seq
    ) known
    cross join lateral (
        (
            select message.*
            from messages message
            where message.conversation_id = mine.id and message.seq > known.seq
                and message.seq > case when mine.id = $4 then $5::bigint else 0 end
                and ",
    changed_in_round!("message"),
    "
            order by message.seq
            limit $6
        )
        union all
        (
            select message.*
            from messages message
            where message.conversation_id = mine.id and message.seq <= known.seq
                and message.seq > case when mine.id = $4 then $5 else 0 end
                and (message.edited_at is not null or message.deleted_at is not null)
                and ",
    changed_in_round!("message"),
    "
            order by message.seq
            limit $6
        )
    ) found
    order by found.conversation_id, found.seq
    limit $6
)
select",
    message_columns!(),
    "
from message
join users sender on sender.id = message.sender_id
order by message.conversation_id, message.seq"
);

/// The messages that are new or another, by conversation and `seq`, from behind that place on.
pub async fn list_changed_messages(
    db: &Connection,
    member: UserId,
    round: &Round,
    (conversation, seq): (i64, i64),
    rows: i64,
) -> Result<Vec<MessageView>, Error> {
    let (since, until) = round.ends();
    let parameters: Parameters<'_> = &[&member.get(), &since, &until, &conversation, &seq, &rows];
    db.query(LIST_CHANGED_MESSAGES, parameters).await
}

pub(super) const LIST_JOINED: &str = "
select conversation_id as id
from conversation_members
where user_id = $1 and not pg_visible_in_snapshot(joined_in, $2::text::pg_snapshot)
order by conversation_id";

/// The conversations that the member has begun to hear since the round's beginning, perhaps not for the first time, by id.
pub async fn list_joined(
    db: &Connection,
    member: UserId,
    round: &Round,
) -> Result<Vec<ConversationId>, Error> {
    let (since, _) = round.ends();
    db.query(LIST_JOINED, &[&member.get(), &since]).await
}

// By whatever of it a member sees: its messages, the own marker and the other one's as far as it
// is shown, the group's name.
pub(super) const LIST_CHANGED_CONVERSATIONS: &str = concat!(
    "
with round as materialized ",
    round_columns!(),
    ",",
    select_conversations!(
        concat!(
            "
    cross join round
    left join conversation_members peer
        on peer.conversation_id = conversation.id and peer.user_id <> $1 and conversation.group_id is null
    left join groups named on named.id = conversation.group_id
    where me.user_id = $1 and me.conversation_id > $4 and conversation.last_message_id is not null
        and conversation.request_to is distinct from $1
        and (
            ",
            changed_in_round!("conversation"),
            " or ",
            changed_in_round!("me"),
            " or ",
            changed_in_round!("peer"),
            " or ",
            changed_in_round!("named"),
            "
            or exists (
                select from messages newest
                where newest.id = conversation.last_message_id and ",
            changed_in_round!("newest"),
            "
            )
            or exists (
                select from conversation_preferences shown
                where shown.user_id in ($1, peer.user_id) and ",
            changed_in_round!("shown"),
            "
            )
        )
    order by me.conversation_id
    limit $5"
        ),
        "page.id"
    )
);

/// The conversations that look otherwise, by id, from behind that one on.
pub async fn list_changed_conversations(
    db: &Connection,
    member: UserId,
    round: &Round,
    after: i64,
    rows: i64,
) -> Result<Vec<ConversationView>, Error> {
    let (since, until) = round.ends();
    let parameters: Parameters<'_> = &[&member.get(), &since, &until, &after, &rows];
    db.query(LIST_CHANGED_CONVERSATIONS, parameters).await
}

pub(super) const COUNT_REQUESTS: &str = "
select count(*)
from (
    select from conversations where request_to = $1 and request_status = 'pending' limit 1000
) counted";

/// How many message requests wait for this person's answer; counted up to 1000.
pub async fn count_requests(db: &Connection, asked: UserId) -> Result<i64, Error> {
    db.query_one(COUNT_REQUESTS, &[&asked.get()]).await
}
