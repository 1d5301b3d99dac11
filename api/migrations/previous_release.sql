-- Statements of release 0.1.0; see README.md.
-- next statement
-- Numbers events and appends them to the log.
-- $1 text[], $2 boolean[], $3 bytea[]: kind, control and body of the events
-- $4 bigint[], $5 text[]: which event (from 1) goes to which channel
-- $6 bigint: the time, in milliseconds since the Unix epoch
with drawn as materialized (
    select number, kind, control, body, nextval('event_ids') as event_id
    from unnest($1::text[], $2::boolean[], $3::bytea[]) with ordinality as e (kind, control, body, number)
),
entries as (
    select
        number,
        channel,
        row_number() over (partition by channel order by number) as place,
        count(*) over (partition by channel) as added
    from unnest($4::bigint[], $5::text[]) as e (number, channel)
),
-- The heads are taken in the order of the channels' names, here and nowhere else: two transactions cannot wait for each
-- other. They stay locked to the commit.
heads as (
    insert into channel_heads as h (channel, head)
    select channel, count(*) from entries group by channel order by channel
    on conflict (channel) do update set head = h.head + excluded.head
    returning channel, head
),
numbered as (
    select number, channel, head - added + place as "offset"
    from entries join heads using (channel)
),
appended as (
    insert into event_log (channel, "offset", event_id, kind, control, committed_at_ms, body)
    select channel, "offset", event_id, kind, control, $6::bigint, body
    from numbered join drawn using (number)
)
select number, channel, "offset", event_id, bits
from numbered join drawn using (number) cross join log_epoch
order by channel, "offset"
-- next statement
-- Where channels' logs end, in the order asked; 0 for a channel without events.
-- $1 text[]: channels
select coalesce(head, 0) as head, bits
from unnest($1::text[]) with ordinality as asked (channel, place)
left join channel_heads using (channel)
cross join log_epoch
order by place
-- next statement
-- Where a channel's log ends and what it still holds.
-- $1 text: the channel
select
    coalesce(head, 0) as head,
    coalesce(
        (select min("offset") from event_log where event_log.channel = asked.channel),
        coalesce(head, 0) + 1
    ) as first,
    bits
from (select $1::text as channel) as asked
left join channel_heads using (channel)
cross join log_epoch
-- next statement
-- A page of a channel's log, in order: as many events as fit, the first one whatever its size.
-- $1 text: the channel; $2, $3 bigint: after, through; $4 bigint: events at most; $5 bigint: bytes of bodies at most
select "offset", event_id, kind, control, committed_at_ms, body, bits
from (
    select
        *,
        sum(length(body)) over (order by "offset" rows between unbounded preceding and current row) as bytes,
        row_number() over (order by "offset") as place
    from (
        select * from event_log
        where channel = $1 and "offset" > $2 and "offset" <= $3
        order by "offset"
        limit $4
    ) as candidates
) as page
cross join log_epoch
where bytes <= $5 or place = 1
order by "offset"
-- next statement
-- What channels got from transactions that the second snapshot sees and the first one does not, page by page.
-- $1, $2 text: the snapshots; $3 text: the last channel of the page before; $4 bigint: channels at most
select channel, min("offset") as first, max("offset") as last, min(bits) as bits
from event_log cross join log_epoch
where txid >= pg_snapshot_xmin($1::text::pg_snapshot)
  and txid < pg_snapshot_xmax($2::text::pg_snapshot)
  and not pg_visible_in_snapshot(txid, $1::text::pg_snapshot)
  and pg_visible_in_snapshot(txid, $2::text::pg_snapshot)
  and channel > $3
group by channel
order by channel
limit $4
-- next statement
-- How much was committed since the cursor's snapshot, counted up to a bound, and since when.
select count(*) as depth, min(committed_at_ms) as oldest_committed_at_ms
from (
    select committed_at_ms
    from event_log cross join relay_cursor
    where txid >= pg_snapshot_xmin(snapshot) and not pg_visible_in_snapshot(txid, snapshot)
    order by txid
    limit 100000
) as unseen
-- next statement
-- Everything that the new snapshot sees has been published. Refused to a relay that has lost its lease meanwhile.
-- $1 text: the snapshot; $2 text: the lease's name; $3 text: its owner
update relay_cursor set snapshot = $1::text::pg_snapshot
where exists (select from leases where name = $2 and owner = $3 and expires_at > now())
-- next statement
-- A restored database may stand in another cluster, whose transaction ids say nothing about the cursor's.
-- $1 bigint: the new epoch's bits
with cursor as (update relay_cursor set snapshot = pg_current_snapshot())
update log_epoch set bits = $1
-- next statement
select snapshot::text from relay_cursor
-- next statement
select pg_current_snapshot()::text
-- next statement
    select create_event_log_partition((now() at time zone 'utc')::date + ahead)::text
    from generate_series(0, 7) as ahead
-- next statement
    select child.relname::text as name
    from pg_inherits join pg_class as child on child.oid = inhrelid
    where inhparent = 'event_log'::regclass
      and child.relname ~ '^event_log_[0-9]{8}$'
      and to_date(right(child.relname, 8), 'YYYYMMDD') + 2 <= (now() at time zone 'utc')
    order by 1
-- next statement
    select
        sessions.id, user_id, role, cookie_hash, expires_at,
        revoked_at is not null as is_revoked, suspended_at is not null as is_suspended
    from sessions join users on users.id = user_id
    where sessions.id = $1
-- next statement
    insert into leases as lease (name, owner, expires_at)
    values ($1, $2, now() + $3::double precision * interval '1 second')
    on conflict (name) do update set owner = excluded.owner, expires_at = excluded.expires_at
    where lease.owner = excluded.owner or lease.expires_at < now()
    returning true
-- next statement
delete from leases where name = $1 and owner = $2
-- next statement
    insert into idempotency_keys as stored (user_id, key, fingerprint, expires_at)
    values ($1, $2, $3, $4)
    on conflict on constraint idempotency_key_unique do update
    set fingerprint = excluded.fingerprint, status = null, body = null, expires_at = excluded.expires_at
    where stored.expires_at <= $5
-- next statement
    select fingerprint, status, body from idempotency_keys where user_id = $1 and key = $2
-- next statement
    update idempotency_keys set status = $3, body = $4 where user_id = $1 and key = $2
-- next statement
delete from idempotency_keys where expires_at <= $1
-- next statement
insert into users (username, email, password_hash, name, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $5)
    returning id, username, email, name, bio, avatar, is_private, invisible_since is not null as is_invisible, role, created_at
-- next statement
    insert into users (username, email, password_hash, name, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $5)
    on conflict do nothing
-- next statement
select id, username, email, name, bio, avatar, is_private, invisible_since is not null as is_invisible, role, created_at from users where id = $1
-- next statement
    select id, password_hash, suspended_at is not null as is_suspended
    from users where username = $1 or lower(email) = $1
-- next statement
select password_hash from users where id = $1
-- next statement
    update users set password_hash = $2, updated_at = $3 where id = $1
-- next statement
    insert into sessions (user_id, device, created_at, last_used_at, expires_at)
    values ($1, $2, $3, $3, $4)
    returning id
-- next statement
update sessions set cookie_hash = $2 where id = $1
-- next statement
    select id, device, created_at, last_used_at, expires_at
    from sessions
    where user_id = $1 and revoked_at is null and expires_at > $2 and ($3::bigint is null or id < $3)
    order by id desc
    limit $4
-- next statement
    update sessions set revoked_at = $2
    where user_id = $1 and revoked_at is null
      and ($3::bigint is null or id = $3) and ($4::bigint is null or id <> $4)
    returning id
-- next statement
    update sessions set last_used_at = $2, expires_at = $3 where id = $1
-- next statement
    insert into refresh_tokens (hash, session_id, created_at) values ($1, $2, $3)
-- next statement
    update refresh_tokens set used_at = $2 where hash = $1 and used_at is null
    returning session_id
-- next statement
    select session_id, user_id
    from refresh_tokens join sessions on sessions.id = session_id
    where hash = $1
-- next statement
select id from sessions where revoked_at > $1
-- next statement
    insert into login_attempts as attempt (subject, attempts, window_ends_at)
    select subject, 1, $3 from unnest($1::text[]) as subject order by subject
    on conflict (subject) do update set
        attempts = case when attempt.window_ends_at <= $2 then 1 else attempt.attempts + 1 end,
        window_ends_at =
            case when attempt.window_ends_at <= $2 then excluded.window_ends_at else attempt.window_ends_at end
    returning subject, attempts, window_ends_at
-- next statement
    with counted as (
        select subject from login_attempts where subject = any($1) order by subject for update
    )
    update login_attempts set attempts = attempts - 1
    from counted
    where login_attempts.subject = counted.subject and attempts > 0
-- next statement
    delete from sessions
    where expires_at < $1::timestamptz - interval '2 days'
       or revoked_at < $1::timestamptz - interval '2 days'
-- next statement
    delete from refresh_tokens where used_at < $1::timestamptz - interval '30 days'
-- next statement
delete from login_attempts where window_ends_at < $1
-- next statement
    update users set suspended_at = coalesce(suspended_at, $2)
    where id = $1 and deleted_at is null
-- next statement
    update users set suspended_at = null
    where id = $1 and deleted_at is null
-- next statement
    select role from users
    where id = $1 and deleted_at is null
    for no key update
-- next statement
update users set role = $2 where id = $1
-- next statement
    select id from users
    where username = lower($1) and deleted_at is null
-- next statement
    insert into sessions (user_id, device, created_at, last_used_at, expires_at)
    select person, 'seeded', $2, $2, $3 from unnest($1::bigint[]) as person
    returning user_id, id
-- next statement
select exists (select from users where id = $1 and deleted_at is null)
-- next statement
insert into blocks (blocker_id, blocked_id, created_at)
values ($1, $2, $3)
on conflict on constraint block_unique do nothing
-- next statement
delete from blocks
where blocker_id = $1 and blocked_id = $2
-- next statement
with comment as (
    insert into comments (post_id, author_id, content, created_at)
    values ($1, $2, $3, $4)
    returning id, post_id, author_id, content, created_at
)
select
    comment.id, comment.post_id, comment.content, comment.created_at,
    account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar
from comment
join users account on account.id = comment.author_id
-- next statement
select
    comment.id, comment.post_id, comment.content, comment.created_at,
    account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar
from comments comment
join users account on account.id = comment.author_id
where comment.post_id = $2 and (comment.created_at, comment.id) < ($3, $4)
    and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))
order by comment.created_at desc, comment.id desc
limit $5
-- next statement
select author_id
from comments
where post_id = $1 and id = $2
-- next statement
delete from comments
where post_id = $1 and id = $2
-- next statement
select recent.post_id, count(*) as count
from (
    select post_id, max(created_at) as commented_at
    from comments
    where created_at >= $1
    group by post_id
    order by commented_at desc
    limit 100
) recent
join comments on comments.post_id = recent.post_id
group by recent.post_id
-- next statement
select author_id from posts where id = $1
union
(
    select author_id
    from comments
    where post_id = $1
    order by created_at desc, id desc
    limit 30
)
-- next statement
select id
from conversations
where first_user_id = least($1::bigint, $2) and second_user_id = greatest($1::bigint, $2)
-- next statement
select other.user_id
from conversation_members me
join conversations conversation on conversation.id = me.conversation_id and conversation.kind = 'direct'
join conversation_members other on other.conversation_id = me.conversation_id
where me.conversation_id = $1 and me.user_id = $2 and other.user_id <> $2
-- next statement
select exists (select from conversation_members where conversation_id = $1 and user_id = $2)
-- next statement
select exists (
    select from conversation_members member
    join conversations conversation on conversation.id = member.conversation_id
    where member.conversation_id = $1 and member.user_id = $2
        and conversation.request_to is distinct from $2
)
-- next statement
with conversation as (
    insert into conversations (kind, first_user_id, second_user_id, request_status, request_to, created_at)
    values (
        'direct', least($1::bigint, $2), greatest($1::bigint, $2),
        case when $4 then 'pending' end, case when $4 then $2 end, $3
    )
    on conflict on constraint conversation_direct_pair_unique
        do update set last_seq = conversations.last_seq
    returning id
),
members as (
    insert into conversation_members (conversation_id, user_id, joined_at)
    select conversation.id, person, $3
    from conversation, unnest(array[$1, $2]) as person
    on conflict on constraint conversation_member_unique do nothing
)
select id from conversation
-- next statement
with
page as materialized (
    select
        conversation.id, conversation.kind, conversation.last_seq, conversation.last_message_id,
        conversation.group_id, me.read_seq,
        -- A rejection is not told to the one who asked.
        case when conversation.request_to is not null then 'pending' end as request
    from conversation_members me
    join conversations conversation on conversation.id = me.conversation_id
    
    where me.user_id = $1 and conversation.last_message_id < $2
        and conversation.request_to is distinct from $1
    order by conversation.last_message_id desc
    limit $3
)
select
    page.kind, page.last_seq, page.read_seq, page.request,
    groups.id as group_id, groups.name as group_name, groups.avatar as group_avatar, groups.member_count,
    case when not exists (
        select from conversation_preferences hidden
        where hidden.user_id in ($1, other.user_id) and not hidden.read_receipts
    ) and not exists (
        select from blocks cut
        where (cut.blocker_id, cut.blocked_id) in (($1, other.user_id), (other.user_id, $1))
    ) then other.read_seq end as peer_read_seq,
    peer.id as peer_id, peer.username as peer_username, peer.name as peer_name, peer.avatar as peer_avatar,
    (
        select count(*)
        from (
            select from messages unread
            where unread.conversation_id = page.id and unread.seq > page.read_seq and unread.sender_id <> $1
            limit 1000
        ) counted
    ) as unread_count,
    message.id as message_id, message.conversation_id, message.seq, message.content,
    message.client_message_id, message.created_at, message.edited_at, message.deleted_at,
    sender.id as sender_id, sender.username as sender_username, sender.name as sender_name, sender.avatar as sender_avatar
from page
join messages message on message.id = page.last_message_id
join users sender on sender.id = message.sender_id
left join groups on groups.id = page.group_id
left join conversation_members other
    on other.conversation_id = page.id and other.user_id <> $1 and page.group_id is null
left join users peer on peer.id = other.user_id
order by page.last_message_id desc
-- next statement
with
page as materialized (
    select
        conversation.id, conversation.kind, conversation.last_seq, conversation.last_message_id,
        conversation.group_id, me.read_seq,
        -- A rejection is not told to the one who asked.
        case when conversation.request_to is not null then 'pending' end as request
    from conversation_members me
    join conversations conversation on conversation.id = me.conversation_id
    
    where me.user_id = $1 and me.conversation_id = $2 and conversation.request_to is distinct from $1
)
select
    page.kind, page.last_seq, page.read_seq, page.request,
    groups.id as group_id, groups.name as group_name, groups.avatar as group_avatar, groups.member_count,
    case when not exists (
        select from conversation_preferences hidden
        where hidden.user_id in ($1, other.user_id) and not hidden.read_receipts
    ) and not exists (
        select from blocks cut
        where (cut.blocker_id, cut.blocked_id) in (($1, other.user_id), (other.user_id, $1))
    ) then other.read_seq end as peer_read_seq,
    peer.id as peer_id, peer.username as peer_username, peer.name as peer_name, peer.avatar as peer_avatar,
    (
        select count(*)
        from (
            select from messages unread
            where unread.conversation_id = page.id and unread.seq > page.read_seq and unread.sender_id <> $1
            limit 1000
        ) counted
    ) as unread_count,
    message.id as message_id, message.conversation_id, message.seq, message.content,
    message.client_message_id, message.created_at, message.edited_at, message.deleted_at,
    sender.id as sender_id, sender.username as sender_username, sender.name as sender_name, sender.avatar as sender_avatar
from page
join messages message on message.id = page.last_message_id
join users sender on sender.id = message.sender_id
left join groups on groups.id = page.group_id
left join conversation_members other
    on other.conversation_id = page.id and other.user_id <> $1 and page.group_id is null
left join users peer on peer.id = other.user_id
order by page.id
-- next statement
with round as materialized (
    select
        since, until, pg_snapshot_xmin(since) as oldest, pg_snapshot_xmax(until) as newest
    from (select $2::text::pg_snapshot as since, $3::text::pg_snapshot as until) ends
),
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
                and (message.changed_in >= round.oldest and message.changed_in < round.newest and not pg_visible_in_snapshot(message.changed_in, round.since) and pg_visible_in_snapshot(message.changed_in, round.until))
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
                and (message.changed_in >= round.oldest and message.changed_in < round.newest and not pg_visible_in_snapshot(message.changed_in, round.since) and pg_visible_in_snapshot(message.changed_in, round.until))
            order by message.seq
            limit $6
        )
    ) found
    order by found.conversation_id, found.seq
    limit $6
)
select
    message.id as message_id, message.conversation_id, message.seq, message.content,
    message.client_message_id, message.created_at, message.edited_at, message.deleted_at,
    sender.id as sender_id, sender.username as sender_username, sender.name as sender_name, sender.avatar as sender_avatar
from message
join users sender on sender.id = message.sender_id
order by message.conversation_id, message.seq
-- next statement
with round as materialized (
    select
        since, until, pg_snapshot_xmin(since) as oldest, pg_snapshot_xmax(until) as newest
    from (select $2::text::pg_snapshot as since, $3::text::pg_snapshot as until) ends
),
page as materialized (
    select
        conversation.id, conversation.kind, conversation.last_seq, conversation.last_message_id,
        conversation.group_id, me.read_seq,
        -- A rejection is not told to the one who asked.
        case when conversation.request_to is not null then 'pending' end as request
    from conversation_members me
    join conversations conversation on conversation.id = me.conversation_id
    
    cross join round
    left join conversation_members peer
        on peer.conversation_id = conversation.id and peer.user_id <> $1 and conversation.group_id is null
    left join groups named on named.id = conversation.group_id
    where me.user_id = $1 and me.conversation_id > $4 and conversation.last_message_id is not null
        and conversation.request_to is distinct from $1
        and (
            (conversation.changed_in >= round.oldest and conversation.changed_in < round.newest and not pg_visible_in_snapshot(conversation.changed_in, round.since) and pg_visible_in_snapshot(conversation.changed_in, round.until)) or (me.changed_in >= round.oldest and me.changed_in < round.newest and not pg_visible_in_snapshot(me.changed_in, round.since) and pg_visible_in_snapshot(me.changed_in, round.until)) or (peer.changed_in >= round.oldest and peer.changed_in < round.newest and not pg_visible_in_snapshot(peer.changed_in, round.since) and pg_visible_in_snapshot(peer.changed_in, round.until)) or (named.changed_in >= round.oldest and named.changed_in < round.newest and not pg_visible_in_snapshot(named.changed_in, round.since) and pg_visible_in_snapshot(named.changed_in, round.until))
            or exists (
                select from messages newest
                where newest.id = conversation.last_message_id and (newest.changed_in >= round.oldest and newest.changed_in < round.newest and not pg_visible_in_snapshot(newest.changed_in, round.since) and pg_visible_in_snapshot(newest.changed_in, round.until))
            )
            or exists (
                select from conversation_preferences shown
                where shown.user_id in ($1, peer.user_id) and (shown.changed_in >= round.oldest and shown.changed_in < round.newest and not pg_visible_in_snapshot(shown.changed_in, round.since) and pg_visible_in_snapshot(shown.changed_in, round.until))
            )
        )
    order by me.conversation_id
    limit $5
)
select
    page.kind, page.last_seq, page.read_seq, page.request,
    groups.id as group_id, groups.name as group_name, groups.avatar as group_avatar, groups.member_count,
    case when not exists (
        select from conversation_preferences hidden
        where hidden.user_id in ($1, other.user_id) and not hidden.read_receipts
    ) and not exists (
        select from blocks cut
        where (cut.blocker_id, cut.blocked_id) in (($1, other.user_id), (other.user_id, $1))
    ) then other.read_seq end as peer_read_seq,
    peer.id as peer_id, peer.username as peer_username, peer.name as peer_name, peer.avatar as peer_avatar,
    (
        select count(*)
        from (
            select from messages unread
            where unread.conversation_id = page.id and unread.seq > page.read_seq and unread.sender_id <> $1
            limit 1000
        ) counted
    ) as unread_count,
    message.id as message_id, message.conversation_id, message.seq, message.content,
    message.client_message_id, message.created_at, message.edited_at, message.deleted_at,
    sender.id as sender_id, sender.username as sender_username, sender.name as sender_name, sender.avatar as sender_avatar
from page
join messages message on message.id = page.last_message_id
join users sender on sender.id = message.sender_id
left join groups on groups.id = page.group_id
left join conversation_members other
    on other.conversation_id = page.id and other.user_id <> $1 and page.group_id is null
left join users peer on peer.id = other.user_id
order by page.id
-- next statement
select count(*)
from (
    select from conversations where request_to = $1 and request_status = 'pending' limit 1000
) counted
-- next statement
select
    message.id as message_id, message.conversation_id, message.seq, message.content,
    message.client_message_id, message.created_at, message.edited_at, message.deleted_at,
    sender.id as sender_id, sender.username as sender_username, sender.name as sender_name, sender.avatar as sender_avatar
from messages message
join users sender on sender.id = message.sender_id
where message.conversation_id = $1 and message.seq > $2
order by message.seq
limit $3
-- next statement
select
    message.id as message_id, message.conversation_id, message.seq, message.content,
    message.client_message_id, message.created_at, message.edited_at, message.deleted_at,
    sender.id as sender_id, sender.username as sender_username, sender.name as sender_name, sender.avatar as sender_avatar
from messages message
join users sender on sender.id = message.sender_id
where message.conversation_id = $1 and message.seq < $2
order by message.seq desc
limit $3 offset $4
-- next statement
select
    me.read_seq,
    conversation.last_seq,
    conversation.request_to is not null as is_request,
    array(
        select member.user_id
        from conversation_members member
        where member.conversation_id = $1 and (
            member.user_id = $2
            -- A large group shows to nobody who has read what.
            or coalesce(groups.member_count <= 100, true) and not exists (
                select from conversation_preferences hidden
                where hidden.user_id in ($2, member.user_id) and not hidden.read_receipts
            ) and not exists (
                select from blocks cut
                where (cut.blocker_id, cut.blocked_id) in (($2, member.user_id), (member.user_id, $2))
            )
        )
    ) as listeners
from conversation_members me
join conversations conversation on conversation.id = me.conversation_id
left join groups on groups.id = conversation.group_id
where me.conversation_id = $1 and me.user_id = $2
for update of me
-- next statement
select count(*)
from (
    select from messages
    where conversation_id = $1 and seq > $3 and seq <= $4 and sender_id <> $2
    limit 1000
) counted
-- next statement
update conversation_members
set read_seq = $3
where conversation_id = $1 and user_id = $2
-- next statement
select 'user:' || member.user_id as channel
from conversation_members member
join conversations conversation on conversation.id = member.conversation_id
where conversation.id = $1 and conversation.kind = 'direct'
    -- Who has turned a request down hears no more of it.
    and (conversation.request_status is distinct from 'rejected' or conversation.request_to <> member.user_id)
union all
select 'group:' || chat.group_id
from conversations chat
where chat.id = $1 and chat.kind = 'group'
-- next statement
select
    conversation.request_to is not null or exists (
        select from conversation_preferences hidden
        where hidden.user_id = $1 and not hidden.read_receipts
    ) as is_hidden,
    coalesce(groups.member_count > 100, false) as is_large,
    (select count(*)
from conversation_members reader
join users account on account.id = reader.user_id
where reader.conversation_id = $2 and reader.user_id <> $1 and reader.read_seq >= $3
    and not exists (
        select from conversation_preferences hidden
        where hidden.user_id = reader.user_id and not hidden.read_receipts
    )
    and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))) as count
from conversation_members me
join conversations conversation on conversation.id = me.conversation_id
left join groups on groups.id = conversation.group_id
where me.conversation_id = $2 and me.user_id = $1
-- next statement
select reader.read_seq, account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar
from conversation_members reader
join users account on account.id = reader.user_id
where reader.conversation_id = $2 and reader.user_id <> $1 and reader.read_seq >= $3
    and not exists (
        select from conversation_preferences hidden
        where hidden.user_id = reader.user_id and not hidden.read_receipts
    )
    and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))
order by account.id
limit 100
-- next statement
select coalesce((select read_receipts from conversation_preferences where user_id = $1), true)
-- next statement
insert into conversation_preferences (user_id, read_receipts)
values ($1, $2)
on conflict (user_id) do update set read_receipts = $2
where conversation_preferences.read_receipts <> $2
-- next statement
with page as materialized (
    select recent.id
    from (
        select $1::bigint as author_id
        union
        select followee_id from follows where follower_id = $1 and status = 'accepted'
        union
        select friend_id from friend_links where user_id = $1 and status = 'accepted'
    ) source
    -- Whoever may not be seen would leave holes in the page. Asked for each author, not for each post.
    join users account on account.id = source.author_id and ((account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and (not account.is_private or account.id = $1 or exists (
                select from follows seen
                where seen.follower_id = $1 and seen.followee_id = account.id and seen.status = 'accepted'
            ) or exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            )))
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
    limit $4)
select
    post.id, post.kind, post.content, post.created_at, post.edited_at, post.attachments, post.group_id,
    post.activity_type, post.duration_minutes, post.distance_km, post.notes, post.activity_date,
    account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar,
    (
        select count(*) from likes given
        where given.post_id = post.id and given.user_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
    ) as like_count,
    (
        select count(*) from comments comment
        where comment.post_id = post.id and comment.author_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
    ) as comment_count,
    exists (
        select from likes given where given.post_id = post.id and given.user_id = $1
    ) as liked_by_me,
    (
        select coalesce(jsonb_object_agg(counted.emoji, counted.people), '{}')
        from (
            select reaction.emoji, count(*) as people
            from reactions reaction
            where reaction.post_id = post.id and reaction.user_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
            group by reaction.emoji
            order by people desc, reaction.emoji
            limit 20
        ) counted
    ) as reactions,
    (
        select own.emoji from reactions own where own.post_id = post.id and own.user_id = $1
    ) as my_reaction
from page
join posts post on post.id = page.id
join users account on account.id = post.author_id
where post.deleted_at is null and case when post.group_id is null then ((account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and (not account.is_private or account.id = $1 or exists (
                select from follows seen
                where seen.follower_id = $1 and seen.followee_id = account.id and seen.status = 'accepted'
            ) or exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            ))) else (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and exists (
                select from group_members member
                join groups on groups.id = member.group_id and groups.deleted_at is null
                where member.group_id = post.group_id and member.user_id = $1
            ) end
order by post.created_at desc, post.id desc
-- next statement
with page as materialized (
    select written.id
    from posts written
    join users account on account.id = written.author_id
    where written.deleted_at is null and written.group_id is null and not account.is_private
        and (written.created_at, written.id) < ($2, $3)
        and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))
    order by written.created_at desc, written.id desc
    limit $4)
select
    post.id, post.kind, post.content, post.created_at, post.edited_at, post.attachments, post.group_id,
    post.activity_type, post.duration_minutes, post.distance_km, post.notes, post.activity_date,
    account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar,
    (
        select count(*) from likes given
        where given.post_id = post.id and given.user_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
    ) as like_count,
    (
        select count(*) from comments comment
        where comment.post_id = post.id and comment.author_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
    ) as comment_count,
    exists (
        select from likes given where given.post_id = post.id and given.user_id = $1
    ) as liked_by_me,
    (
        select coalesce(jsonb_object_agg(counted.emoji, counted.people), '{}')
        from (
            select reaction.emoji, count(*) as people
            from reactions reaction
            where reaction.post_id = post.id and reaction.user_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
            group by reaction.emoji
            order by people desc, reaction.emoji
            limit 20
        ) counted
    ) as reactions,
    (
        select own.emoji from reactions own where own.post_id = post.id and own.user_id = $1
    ) as my_reaction
from page
join posts post on post.id = page.id
join users account on account.id = post.author_id
where post.deleted_at is null and case when post.group_id is null then ((account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and (not account.is_private or account.id = $1 or exists (
                select from follows seen
                where seen.follower_id = $1 and seen.followee_id = account.id and seen.status = 'accepted'
            ) or exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            ))) else (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and exists (
                select from group_members member
                join groups on groups.id = member.group_id and groups.deleted_at is null
                where member.group_id = post.group_id and member.user_id = $1
            ) end
order by post.created_at desc, post.id desc
-- next statement
select coalesce(follow.status, 'none') as status
from users account
left join follows follow on follow.follower_id = $1 and follow.followee_id = account.id
where account.id = $2 and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))
-- next statement
insert into follows (follower_id, followee_id, status, created_at)
select $1::bigint, account.id, case when account.is_private then 'requested' else 'accepted' end, $3
from users account
where account.id = $2
for share of account
returning status
-- next statement
delete from follows
where follower_id = $1 and followee_id = $2
-- next statement
update follows
set status = 'accepted'
where follower_id = $1 and followee_id = $2 and status = 'requested'
-- next statement
delete from follows
where follower_id = $1 and followee_id = $2 and status = 'requested'
-- next statement
select exists (
    select from follows
    where follower_id = $1 and followee_id = $2 and status = 'accepted'
)
-- next statement
select follower_id
from follows
where followee_id = $1 and status = 'accepted'
order by created_at desc, follower_id desc
limit $2
-- next statement
select follow.created_at as since, account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar
from follows follow
join users account on account.id = follow.follower_id
where follow.followee_id = $2 and follow.status = $3
    and (follow.created_at, follow.follower_id) < ($4, $5)
    and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))
order by follow.created_at desc, follow.follower_id desc
limit $6
-- next statement
select follow.created_at as since, account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar
from follows follow
join users account on account.id = follow.followee_id
where follow.follower_id = $2 and follow.status = 'accepted'
    and (follow.created_at, follow.followee_id) < ($3, $4)
    and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))
order by follow.created_at desc, follow.followee_id desc
limit $5
-- next statement
select case
    when status = 'accepted' then 'friends'
    when requested_by = $1 then 'requested'
    else 'asked'
end
from friendships
where first_user_id = least($1::bigint, $2::bigint)
    and second_user_id = greatest($1::bigint, $2::bigint)
-- next statement
insert into friendships (first_user_id, second_user_id, status, requested_by, since)
values (least($1::bigint, $2::bigint), greatest($1::bigint, $2::bigint), 'requested', $1, $3)
-- next statement
update friendships
set status = 'accepted', since = $3
where first_user_id = least($1::bigint, $2::bigint)
    and second_user_id = greatest($1::bigint, $2::bigint)
    and status = 'requested' and requested_by = $2
-- next statement
delete from friendships
where first_user_id = least($1::bigint, $2::bigint)
    and second_user_id = greatest($1::bigint, $2::bigint)
-- next statement
select link.since, account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar
from friend_links link
join users account on account.id = link.friend_id
where link.user_id = $1 and link.status = 'accepted' and (link.since, link.friend_id) < ($2, $3)
    and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))
order by link.since desc, link.friend_id desc
limit $4
-- next statement
select
    link.since,
    case when link.requested_by = $1 then 'outgoing' else 'incoming' end as direction,
    account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar
from friend_links link
join users account on account.id = link.friend_id
where link.user_id = $1 and link.status = 'requested' and (link.since, link.friend_id) < ($2, $3)
    and ($5::bool is null or $5 = (link.requested_by = $1))
    and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))
order by link.since desc, link.friend_id desc
limit $4
-- next statement
insert into group_events
    (group_id, creator_id, title, description, place, starts_at, ends_at, remind_at, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
returning id
-- next statement
select
    event.id, event.group_id, event.title, event.description, event.place, event.starts_at, event.ends_at,
    event.created_at, event.updated_at, event.cancelled_at, creator.id as creator_id, creator.username as creator_username, creator.name as creator_name, creator.avatar as creator_avatar,
    counts.going_count, counts.maybe_count, counts.no_count, mine.status as my_rsvp
from group_events event
join users creator on creator.id = event.creator_id
join group_members me on me.group_id = event.group_id and me.user_id = $1
left join group_event_rsvps mine on mine.event_id = event.id and mine.user_id = $1
cross join lateral (
    select
        count(*) filter (where status = 'going') as going_count,
        count(*) filter (where status = 'maybe') as maybe_count,
        count(*) filter (where status = 'no') as no_count
    from group_event_rsvps rsvp
    where rsvp.event_id = event.id
) counts
where event.id = $2
-- next statement
select
    event.id, event.group_id, event.title, event.description, event.place, event.starts_at, event.ends_at,
    event.created_at, event.updated_at, event.cancelled_at, creator.id as creator_id, creator.username as creator_username, creator.name as creator_name, creator.avatar as creator_avatar,
    counts.going_count, counts.maybe_count, counts.no_count, mine.status as my_rsvp
from group_events event
join users creator on creator.id = event.creator_id
join group_members me on me.group_id = event.group_id and me.user_id = $1
left join group_event_rsvps mine on mine.event_id = event.id and mine.user_id = $1
cross join lateral (
    select
        count(*) filter (where status = 'going') as going_count,
        count(*) filter (where status = 'maybe') as maybe_count,
        count(*) filter (where status = 'no') as no_count
    from group_event_rsvps rsvp
    where rsvp.event_id = event.id
) counts
where event.group_id = $2 and event.cancelled_at is null and coalesce(event.ends_at, event.starts_at) >= $3
    and (event.starts_at, event.id) > ($4, $5)
order by event.starts_at, event.id
limit $6
-- next statement
select
    event.id, event.group_id, event.title, event.description, event.place, event.starts_at, event.ends_at,
    event.created_at, event.updated_at, event.cancelled_at, creator.id as creator_id, creator.username as creator_username, creator.name as creator_name, creator.avatar as creator_avatar,
    counts.going_count, counts.maybe_count, counts.no_count, mine.status as my_rsvp
from group_events event
join users creator on creator.id = event.creator_id
join group_members me on me.group_id = event.group_id and me.user_id = $1
left join group_event_rsvps mine on mine.event_id = event.id and mine.user_id = $1
cross join lateral (
    select
        count(*) filter (where status = 'going') as going_count,
        count(*) filter (where status = 'maybe') as maybe_count,
        count(*) filter (where status = 'no') as no_count
    from group_event_rsvps rsvp
    where rsvp.event_id = event.id
) counts
where event.group_id = $2 and event.cancelled_at is null and coalesce(event.ends_at, event.starts_at) < $3
    and (event.starts_at, event.id) < ($4, $5)
order by event.starts_at desc, event.id desc
limit $6
-- next statement
select
    event.place, event.starts_at, event.ends_at, event.cancelled_at is not null as is_cancelled,
    event.creator_id = $2 or me.role in ('admin', 'owner') as may_change
from group_events event
join group_members me on me.group_id = event.group_id and me.user_id = $2
where event.id = $1
for no key update of event
for key share of me
-- next statement
with event as (
    update group_events
    set title = coalesce($2, title),
        description = coalesce($3, description),
        place = case when $4 then $5 else place end,
        starts_at = coalesce($6, starts_at),
        ends_at = case when $7 then $8 else ends_at end,
        remind_at = case when $9 then $10 else remind_at end,
        updated_at = $11
    where id = $1
    returning *
)
select
    event.id, event.group_id, event.title, event.description, event.place, event.starts_at, event.ends_at,
    event.created_at, event.updated_at, event.cancelled_at, creator.id as creator_id, creator.username as creator_username, creator.name as creator_name, creator.avatar as creator_avatar
from event
join users creator on creator.id = event.creator_id
-- next statement
with event as (
    update group_events
    set cancelled_at = $2, updated_at = $2, remind_at = null
    where id = $1
    returning *
)
select
    event.id, event.group_id, event.title, event.description, event.place, event.starts_at, event.ends_at,
    event.created_at, event.updated_at, event.cancelled_at, creator.id as creator_id, creator.username as creator_username, creator.name as creator_name, creator.avatar as creator_avatar
from event
join users creator on creator.id = event.creator_id
-- next statement
select event.group_id, event.cancelled_at is not null as is_cancelled
from group_events event
join group_members me on me.group_id = event.group_id and me.user_id = $2
where event.id = $1
for share of event
for key share of me
-- next statement
insert into group_event_rsvps as rsvp (event_id, group_id, user_id, status, answered_at)
values ($1, $2, $3, $4, $5)
on conflict on constraint group_event_rsvp_unique
    do update set status = excluded.status, answered_at = excluded.answered_at
    where rsvp.status <> excluded.status
-- next statement
select
    count(*) filter (where status = 'going') as going_count,
    count(*) filter (where status = 'maybe') as maybe_count,
    count(*) filter (where status = 'no') as no_count
from group_event_rsvps
where event_id = $1
-- next statement
select rsvp.status, rsvp.answered_at, account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar
from group_event_rsvps rsvp
join users account on account.id = rsvp.user_id
where rsvp.event_id = $1 and ($2::text is null or rsvp.status = $2)
    and (rsvp.answered_at, rsvp.user_id) < ($3, $4)
order by rsvp.answered_at desc, rsvp.user_id desc
limit $5
-- next statement
insert into group_event_notices (event_id, kind, actor_id, created_at, due_at)
values ($1, $2, $3, $4, $4)
-- next statement
with due as (
    update group_events
    set remind_at = null
    where remind_at <= $1
    returning id, creator_id, starts_at
)
insert into group_event_notices (event_id, kind, actor_id, starts_at, created_at, due_at)
select id, 'reminder', creator_id, starts_at, $1, $1
from due
where starts_at > $1
-- next statement
select
    notice.id, notice.kind, notice.event_id, notice.told_to, notice.created_at,
    event.title, event.starts_at, event.cancelled_at is not null as is_cancelled,
    coalesce(notice.starts_at <> event.starts_at, false) as is_moved,
    event.group_id, groups.name as group_name, actor.id as actor_id, actor.username as actor_username, actor.name as actor_name, actor.avatar as actor_avatar
from group_event_notices notice
join group_events event on event.id = notice.event_id
join groups on groups.id = event.group_id
join users actor on actor.id = notice.actor_id
where notice.due_at <= $1
order by notice.due_at, notice.id
limit 1
for update of notice skip locked
-- next statement
update group_event_notices
set attempts = attempts + 1, due_at = $2::timestamptz + least(power(2, attempts), 600) * interval '1 second'
where id = $1
-- next statement
select member.user_id, true as is_new
from group_members member
join group_events event on event.group_id = member.group_id
where event.id = $1 and member.user_id > $2 and member.joined_at <= $3
order by member.user_id
limit $4
-- next statement
select user_id, true as is_new
from group_event_rsvps
where event_id = $1 and user_id > $2 and status in ('going', 'maybe') and answered_at <= $3
order by user_id
limit $4
-- next statement
with due as (
    select user_id
    from group_event_rsvps
    where event_id = $1 and user_id > $2 and status in ('going', 'maybe')
    order by user_id
    limit $4
),
reminded as (
    insert into group_event_reminders (event_id, starts_at, user_id)
    select $1, $3, user_id from due
    on conflict on constraint group_event_reminder_unique do nothing
    returning user_id
)
select due.user_id, reminded.user_id is not null as is_new
from due
left join reminded on reminded.user_id = due.user_id
order by due.user_id
-- next statement
update group_event_notices set told_to = $2 where id = $1
-- next statement
delete from group_event_notices where id = $1
-- next statement
delete from group_event_reminders where starts_at < $1::timestamptz - interval '1 day'
-- next statement
delete from group_event_notices where created_at < $1::timestamptz - interval '1 day'
-- next statement
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
select id from crowd order by id
-- next statement
with made as (
    insert into groups (name, description, avatar, is_private, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $5)
    returning id
),
chat as (
    insert into conversations (kind, group_id, created_at)
    select 'group', id, $5 from made
)
select id from made
-- next statement
select
    groups.id, groups.name, groups.description, groups.avatar, groups.is_private, groups.member_count,
    groups.created_at, groups.updated_at,
    chat.id as conversation_id, me.role as my_role, me.joined_at,
    exists (
        select from group_invitations invitation
        where invitation.group_id = groups.id and invitation.user_id = $1
    ) as is_invited,
    exists (
        select from group_join_requests request
        where request.group_id = groups.id and request.user_id = $1
    ) as has_requested
from groups
join conversations chat on chat.group_id = groups.id
left join group_members me on me.group_id = groups.id and me.user_id = $1
where groups.id = $2 and groups.deleted_at is null
-- next statement
select
    groups.id, groups.name, groups.description, groups.avatar, groups.is_private, groups.member_count,
    groups.created_at, groups.updated_at,
    chat.id as conversation_id, me.role as my_role, me.joined_at,
    exists (
        select from group_invitations invitation
        where invitation.group_id = groups.id and invitation.user_id = $1
    ) as is_invited,
    exists (
        select from group_join_requests request
        where request.group_id = groups.id and request.user_id = $1
    ) as has_requested
from group_members me
join groups on groups.id = me.group_id
join conversations chat on chat.group_id = groups.id
where me.user_id = $1 and (me.joined_at, me.group_id) < ($2, $3)
order by me.joined_at desc, me.group_id desc
limit $4
-- next statement
with round as materialized (
    select
        since, until, pg_snapshot_xmin(since) as oldest, pg_snapshot_xmax(until) as newest
    from (select $2::text::pg_snapshot as since, $3::text::pg_snapshot as until) ends
)
select
    groups.id, groups.name, groups.description, groups.avatar, groups.is_private, groups.member_count,
    groups.created_at, groups.updated_at,
    chat.id as conversation_id, me.role as my_role, me.joined_at,
    exists (
        select from group_invitations invitation
        where invitation.group_id = groups.id and invitation.user_id = $1
    ) as is_invited,
    exists (
        select from group_join_requests request
        where request.group_id = groups.id and request.user_id = $1
    ) as has_requested
from round
cross join group_members me
join groups on groups.id = me.group_id
join conversations chat on chat.group_id = groups.id
where me.user_id = $1 and me.group_id > $4 and ((groups.changed_in >= round.oldest and groups.changed_in < round.newest and not pg_visible_in_snapshot(groups.changed_in, round.since) and pg_visible_in_snapshot(groups.changed_in, round.until)) or (me.changed_in >= round.oldest and me.changed_in < round.newest and not pg_visible_in_snapshot(me.changed_in, round.since) and pg_visible_in_snapshot(me.changed_in, round.until)))
order by me.group_id
limit $5
-- next statement
select id, name, is_private
from groups
where id = $1 and deleted_at is null
for no key update
-- next statement
update groups
set name = coalesce($2, name),
    description = coalesce($3, description),
    avatar = case when $4 then $5 else avatar end,
    is_private = coalesce($6, is_private),
    updated_at = $7
where id = $1
-- next statement
with members as (
    delete from group_members where group_id = $1
),
readers as (
    delete from conversation_members reader
    using conversations chat
    where chat.group_id = $1 and reader.conversation_id = chat.id
),
invitations as (
    delete from group_invitations where group_id = $1
),
requests as (
    delete from group_join_requests where group_id = $1
)
update groups
set deleted_at = $2, member_count = 0
where id = $1
-- next statement
select
    chat.id, chat.group_id,
    exists (
        select from group_members me
        where me.group_id = groups.id and me.user_id = $2
        for key share
    ) as is_member
from groups
join conversations chat on chat.group_id = groups.id
where groups.id = $1 and groups.deleted_at is null
-- next statement
select
    chat.id, chat.group_id,
    exists (
        select from group_members me
        where me.group_id = chat.group_id and me.user_id = $2
        for key share
    ) as is_member
from conversations chat
where chat.id = $1 and chat.group_id is not null
-- next statement
select role from group_members where group_id = $1 and user_id = $2
-- next statement
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
returning member_count
-- next statement
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
returning member_count
-- next statement
update group_members set role = $3 where group_id = $1 and user_id = $2
-- next statement
select member.role, member.joined_at, account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar
from group_members member
join users account on account.id = member.user_id
where member.group_id = $1 and (member.joined_at, member.user_id) < ($2, $3)
order by member.joined_at desc, member.user_id desc
limit $4
-- next statement
select user_id
from group_members
where group_id = $1 and role in ('owner', 'admin')
order by role desc, joined_at
limit 20
-- next statement
insert into membership_versions (user_id, version)
values ($1, 1)
on conflict (user_id) do update set version = membership_versions.version + 1
returning version
-- next statement
select count(*) from group_members where user_id = $1
-- next statement
select coalesce((select head from channel_heads where channel = 'group:' || $1::bigint), 0)
-- next statement
select
    epoch.bits,
    coalesce((select head from channel_heads where channel = 'user:' || $1::bigint), 0) as head,
    coalesce((select version from membership_versions where user_id = $1), 0) as version,
    array(select group_id from group_members where user_id = $1 order by group_id) as groups
from log_epoch epoch
-- next statement
insert into group_invitations (group_id, user_id, inviter_id, created_at)
values ($1, $2, $3, $4)
on conflict on constraint group_invitation_unique do nothing
-- next statement
delete from group_invitations where group_id = $1 and user_id = $2
-- next statement
insert into group_join_requests (group_id, user_id, created_at)
values ($1, $2, $3)
on conflict on constraint group_join_request_unique do nothing
-- next statement
delete from group_join_requests where group_id = $1 and user_id = $2
-- next statement
select request.created_at as since, account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar
from group_join_requests request
join users account on account.id = request.user_id
where request.group_id = $1 and (request.created_at, request.user_id) < ($2, $3)
order by request.created_at desc, request.user_id desc
limit $4
-- next statement
select pg_advisory_xact_lock(hashtextextended('like ' || $1::bigint || ' ' || $2::bigint, 0))
-- next statement
insert into likes (post_id, user_id, created_at)
values ($1, $2, $3)
on conflict on constraint like_unique do nothing
-- next statement
delete from likes
where post_id = $1 and user_id = $2
-- next statement
select count(*)
from likes
where post_id = $2 and user_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
-- next statement
with repeated as (
    select * from messages where sender_id = $2 and client_message_id = $4
),
conversation as (
    update conversations
    set last_seq = last_seq + 1, last_message_id = nextval('messages_id_seq')
    where id = $1 and not exists (select from repeated)
    returning id, last_seq, last_message_id, request_to, request_status
),
stored as (
    insert into messages (id, conversation_id, seq, sender_id, content, client_message_id, created_at)
    select last_message_id, id, last_seq, $2, $3, $4, $5 from conversation
    on conflict on constraint message_client_id_unique do nothing
    returning *
),
message as (
    select true as is_new, * from stored
    union all
    select false, * from repeated
)
select
    message.is_new, message.conversation_id = $1 and
            coalesce(message.sent_digest, sha256(convert_to(message.content, 'UTF8')))
            = sha256(convert_to($3::text, 'UTF8')) as is_same,
    (select request_to from conversation) as request_to,
    coalesce((select request_status = 'rejected' from conversation), false) as is_rejected,
    message.id as message_id, message.conversation_id, message.seq, message.content,
    message.client_message_id, message.created_at, message.edited_at, message.deleted_at,
    sender.id as sender_id, sender.username as sender_username, sender.name as sender_name, sender.avatar as sender_avatar
from message
join users sender on sender.id = message.sender_id
-- next statement
select
    false as is_new, message.conversation_id = $1 and
            coalesce(message.sent_digest, sha256(convert_to(message.content, 'UTF8')))
            = sha256(convert_to($3::text, 'UTF8')) as is_same, null::bigint as request_to, false as is_rejected,
    message.id as message_id, message.conversation_id, message.seq, message.content,
    message.client_message_id, message.created_at, message.edited_at, message.deleted_at,
    sender.id as sender_id, sender.username as sender_username, sender.name as sender_name, sender.avatar as sender_avatar
from messages message
join users sender on sender.id = message.sender_id
where message.sender_id = $2 and message.client_message_id = $4
-- next statement
with conversation as (
    select conversation.id
    from conversations conversation
    join conversation_members me on me.conversation_id = conversation.id and me.user_id = $2
    where conversation.id = (select conversation_id from messages where id = $1)
    for share of conversation
),
message as (
    select message.*
    from messages message
    join conversation on conversation.id = message.conversation_id
    where message.id = $1
    for update of message
)
select
    message.id as message_id, message.conversation_id, message.seq, message.content,
    message.client_message_id, message.created_at, message.edited_at, message.deleted_at,
    sender.id as sender_id, sender.username as sender_username, sender.name as sender_name, sender.avatar as sender_avatar
from message
join users sender on sender.id = message.sender_id
-- next statement
with message as (
    update messages
    set content = $2, edited_at = $3, sent_digest = coalesce(sent_digest, sha256(convert_to(content, 'UTF8')))
    where id = $1
    returning *
)
select
    message.id as message_id, message.conversation_id, message.seq, message.content,
    message.client_message_id, message.created_at, message.edited_at, message.deleted_at,
    sender.id as sender_id, sender.username as sender_username, sender.name as sender_name, sender.avatar as sender_avatar
from message
join users sender on sender.id = message.sender_id
-- next statement
with message as (
    update messages
    set content = '', deleted_at = $2, sent_digest = coalesce(sent_digest, sha256(convert_to(content, 'UTF8')))
    where id = $1
    returning *
)
select
    message.id as message_id, message.conversation_id, message.seq, message.content,
    message.client_message_id, message.created_at, message.edited_at, message.deleted_at,
    sender.id as sender_id, sender.username as sender_username, sender.name as sender_name, sender.avatar as sender_avatar
from message
join users sender on sender.id = message.sender_id
-- next statement
with asked as (
    select id, request_status = 'rejected' as was_rejected
    from conversations
    where id = $1 and request_to = $2
    for no key update
)
update conversations
set request_status = null, request_to = null
from asked
where conversations.id = asked.id
returning was_rejected
-- next statement
update conversations
set request_status = 'rejected'
where id = $1 and request_to = $2 and request_status = 'pending'
-- next statement
select
    message.id as message_id, message.conversation_id, message.seq, message.content,
    message.client_message_id, message.created_at, message.edited_at, message.deleted_at,
    sender.id as sender_id, sender.username as sender_username, sender.name as sender_name, sender.avatar as sender_avatar
from messages message
join users sender on sender.id = message.sender_id
where message.conversation_id = $1 and message.seq < $2
order by message.seq
-- next statement
select conversation.last_seq, conversation.created_at as requested_at,
    message.id as message_id, message.conversation_id, message.seq, message.content,
    message.client_message_id, message.created_at, message.edited_at, message.deleted_at,
    sender.id as sender_id, sender.username as sender_username, sender.name as sender_name, sender.avatar as sender_avatar
from conversations conversation
join messages message on message.id = conversation.last_message_id
join users sender on sender.id = message.sender_id
where conversation.request_to = $1 and conversation.request_status = 'pending' and conversation.id < $2
order by conversation.id desc
limit $3
-- next statement
select request_to is not null from conversations where id = $1
-- next statement
select coalesce((select member_count::bigint from groups where id = $1), 0)
-- next statement
select exists (
    select from conversations
    where first_user_id = least($1::bigint, $2) and second_user_id = greatest($1::bigint, $2)
        and request_to is null
) or exists (
    select from group_members own
    join group_members theirs on theirs.group_id = own.group_id and theirs.user_id = $2
    where own.user_id = $1
)
-- next statement
insert into mutes (muter_id, muted_id, created_at)
values ($1, $2, $3)
on conflict on constraint mute_unique do nothing
-- next statement
delete from mutes
where muter_id = $1 and muted_id = $2
-- next statement
select
    coalesce(preference.in_app, $6::boolean) as wants_type,
    array_remove(array[
        case when policy.not_followed <> 'accept' and not exists (
            select from follows where follower_id = $1 and followee_id = $2 and status = 'accepted'
        ) then policy.not_followed end,
        case when policy.not_following <> 'accept' and not exists (
            select from follows where follower_id = $2 and followee_id = $1 and status = 'accepted'
        ) then policy.not_following end,
        case when actor.created_at > $4 then policy.new_account end
    ], null) as treatments,
    coalesce(
        case when policy.quiet_from <= policy.quiet_until
            then wall.clock >= policy.quiet_from and wall.clock < policy.quiet_until
            else wall.clock >= policy.quiet_from or wall.clock < policy.quiet_until
        end,
        false
    ) as is_quiet
from users actor
left join notification_policies policy on policy.user_id = $1
left join notification_preferences preference on preference.user_id = $1 and preference.kind = $3
cross join lateral (
    select ($5::timestamptz at time zone policy.quiet_time_zone)::time as clock
) wall
where actor.id = $2
-- next statement
select account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar from users account where account.username = any($1) order by account.id
-- next statement
select kind, in_app, push from notification_preferences where user_id = $1 order by kind
-- next statement
insert into notification_preferences (user_id, kind, in_app, push)
values ($1, $2, coalesce($3, $5::boolean), coalesce($4, $6::boolean))
on conflict on constraint notification_preference_unique do update set
    in_app = coalesce($3, notification_preferences.in_app),
    push = coalesce($4, notification_preferences.push)
-- next statement
select count(*) from notification_preferences where user_id = $1
-- next statement
select
    not_followed, not_following, new_account,
    to_char(quiet_from, 'HH24:MI') as quiet_from, to_char(quiet_until, 'HH24:MI') as quiet_until,
    quiet_time_zone
from notification_policies
where user_id = $1
-- next statement
insert into notification_policies as policy
    (user_id, not_followed, not_following, new_account, quiet_from, quiet_until, quiet_time_zone)
values (
    $1, coalesce($2, 'accept'), coalesce($3, 'accept'), coalesce($4, 'accept'),
    $6::text::time, $7::text::time, $8
)
on conflict (user_id) do update set
    not_followed = coalesce($2, policy.not_followed),
    not_following = coalesce($3, policy.not_following),
    new_account = coalesce($4, policy.new_account),
    quiet_from = case when $5 then excluded.quiet_from else policy.quiet_from end,
    quiet_until = case when $5 then excluded.quiet_until else policy.quiet_until end,
    quiet_time_zone = case when $5 then excluded.quiet_time_zone else policy.quiet_time_zone end
-- next statement
select exists (select from pg_timezone_names where name = $1)
-- next statement
with notification as (
    insert into notifications
        (user_id, actor_id, kind, title, message, related_id, data, is_filtered, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    returning *
)
select false as is_read,
    notification.id, notification.kind, notification.title, notification.message,
    notification.related_id, notification.data, notification.created_at,
    actor.id as actor_id, actor.username as actor_username, actor.name as actor_name, actor.avatar as actor_avatar
from notification
join users actor on actor.id = notification.actor_id
-- next statement
select exists (
    select from notifications
    where user_id = $1 and kind = $2 and related_id = $3 and read_at is null
)
-- next statement
with recipient as (
    select id from users where id = $1 for key share
)
select pg_advisory_xact_lock(hashtextextended('notification ' || id || ' ' || $2 || ' ' || $3::bigint, 0))
from recipient
-- next statement
select
    notification.id, notification.actor_count, notification.read_at is not null as is_read,
    exists (
        select from notification_actors actor
        where actor.notification_id = notification.id and actor.actor_id = $4
    ) as has_actor
from notifications notification
where notification.user_id = $1 and notification.kind = $2 and notification.related_id = $3
    and notification.is_filtered = $5 and notification.created_at > $6
order by notification.id desc
limit 1
-- next statement
with notification as (
    update notifications
    set actor_id = $2, title = $3, message = $4, data = $5, actor_count = $6
    where id = $1
    returning *
)
select notification.read_at is not null as is_read,
    notification.id, notification.kind, notification.title, notification.message,
    notification.related_id, notification.data, notification.created_at,
    actor.id as actor_id, actor.username as actor_username, actor.name as actor_name, actor.avatar as actor_avatar
from notification
join users actor on actor.id = notification.actor_id
-- next statement
insert into notification_actors (notification_id, actor_id)
values ($1, $2)
on conflict on constraint notification_actor_unique do nothing
-- next statement
with asked as (
    select id, read_at is null and not is_filtered as was_counted
    from notifications
    where user_id = $1 and kind = $2 and related_id = any($3) and (read_at is null or data ? 'actions')
    for update
)
update notifications
set read_at = coalesce(read_at, $4), data = data - 'actions'
from asked
where notifications.id = asked.id
returning notifications.id, user_id, was_counted
-- next statement
with asked as (
    select id, read_at is null and not is_filtered as was_counted
    from notifications
    where actor_id = $1 and kind = $2 and related_id = $3 and (read_at is null or data ? 'actions')
    for update
)
update notifications
set read_at = coalesce(read_at, $4), data = data - 'actions'
from asked
where notifications.id = asked.id
returning notifications.id, user_id, was_counted
-- next statement
with asked as (
    select id, read_at is null and not is_filtered as was_counted
    from notifications
    where id = $1 and (read_at is null or data ? 'actions')
    for update
)
update notifications
set read_at = coalesce(read_at, $2), data = data - 'actions'
from asked
where notifications.id = asked.id
returning notifications.id, user_id, was_counted
-- next statement
select kind, actor_id, related_id, data from notifications where id = $1 and user_id = $2
-- next statement
select notification.read_at is not null as is_read,
    notification.id, notification.kind, notification.title, notification.message,
    notification.related_id, notification.data, notification.created_at,
    actor.id as actor_id, actor.username as actor_username, actor.name as actor_name, actor.avatar as actor_avatar
from notifications notification
join users actor on actor.id = notification.actor_id
where notification.user_id = $1 and notification.id < $2 and notification.is_filtered = $5
    and (actor.id = $1 or actor.suspended_at is null and actor.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = actor.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = actor.id and cut.blocked_id = $1
            ))
order by notification.id desc
limit $3 offset $4
-- next statement
select count(*)
from notifications notification
join users actor on actor.id = notification.actor_id
where notification.user_id = $1 and notification.read_at is null and not notification.is_filtered
    and (actor.id = $1 or actor.suspended_at is null and actor.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = actor.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = actor.id and cut.blocked_id = $1
            ))
-- next statement
with round as materialized (
    select
        since, until, pg_snapshot_xmin(since) as oldest, pg_snapshot_xmax(until) as newest
    from (select $2::text::pg_snapshot as since, $3::text::pg_snapshot as until) ends
)
select notification.changed_in::text::bigint as changed_in, notification.read_at is not null as is_read,
    notification.id, notification.kind, notification.title, notification.message,
    notification.related_id, notification.data, notification.created_at,
    actor.id as actor_id, actor.username as actor_username, actor.name as actor_name, actor.avatar as actor_avatar
from round
cross join notifications notification
join users actor on actor.id = notification.actor_id
where notification.user_id = $1 and not notification.is_filtered
    and (notification.changed_in, notification.id) > ($4::bigint::text::xid8, $5::bigint)
    and (notification.changed_in >= round.oldest and notification.changed_in < round.newest and not pg_visible_in_snapshot(notification.changed_in, round.since) and pg_visible_in_snapshot(notification.changed_in, round.until)) and (actor.id = $1 or actor.suspended_at is null and actor.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = actor.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = actor.id and cut.blocked_id = $1
            ))
order by notification.changed_in, notification.id
limit $6
-- next statement
with marked as (
    update notifications
    set read_at = $3
    where id = $1 and user_id = $2 and read_at is null
    returning not is_filtered as was_counted
)
select (select was_counted from marked)
from notifications
where id = $1 and user_id = $2
-- next statement
select id from users where id = $1 for update
-- next statement
update notifications
set read_at = $2
where user_id = $1 and read_at is null and not is_filtered
-- next statement
with page as materialized (select $2::bigint as id)
select
    post.id, post.kind, post.content, post.created_at, post.edited_at, post.attachments, post.group_id,
    post.activity_type, post.duration_minutes, post.distance_km, post.notes, post.activity_date,
    account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar,
    (
        select count(*) from likes given
        where given.post_id = post.id and given.user_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
    ) as like_count,
    (
        select count(*) from comments comment
        where comment.post_id = post.id and comment.author_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
    ) as comment_count,
    exists (
        select from likes given where given.post_id = post.id and given.user_id = $1
    ) as liked_by_me,
    (
        select coalesce(jsonb_object_agg(counted.emoji, counted.people), '{}')
        from (
            select reaction.emoji, count(*) as people
            from reactions reaction
            where reaction.post_id = post.id and reaction.user_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
            group by reaction.emoji
            order by people desc, reaction.emoji
            limit 20
        ) counted
    ) as reactions,
    (
        select own.emoji from reactions own where own.post_id = post.id and own.user_id = $1
    ) as my_reaction
from page
join posts post on post.id = page.id
join users account on account.id = post.author_id
where post.deleted_at is null and case when post.group_id is null then ((account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and (not account.is_private or account.id = $1 or exists (
                select from follows seen
                where seen.follower_id = $1 and seen.followee_id = account.id and seen.status = 'accepted'
            ) or exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            ))) else (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and exists (
                select from group_members member
                join groups on groups.id = member.group_id and groups.deleted_at is null
                where member.group_id = post.group_id and member.user_id = $1
            ) end
order by post.created_at desc, post.id desc
-- next statement
select post.author_id, post.kind = 'activity' as is_activity
from posts post
join users account on account.id = post.author_id
where post.id = $2 and post.deleted_at is null and case when post.group_id is null then ((account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and (not account.is_private or account.id = $1 or exists (
                select from follows seen
                where seen.follower_id = $1 and seen.followee_id = account.id and seen.status = 'accepted'
            ) or exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            ))) else (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and exists (
                select from group_members member
                join groups on groups.id = member.group_id and groups.deleted_at is null
                where member.group_id = post.group_id and member.user_id = $1
            ) end
-- next statement
with page as materialized (
    select id from posts
    where author_id = $2 and deleted_at is null and group_id is null and (created_at, id) < ($3, $4)
    order by created_at desc, id desc
    limit $5)
select
    post.id, post.kind, post.content, post.created_at, post.edited_at, post.attachments, post.group_id,
    post.activity_type, post.duration_minutes, post.distance_km, post.notes, post.activity_date,
    account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar,
    (
        select count(*) from likes given
        where given.post_id = post.id and given.user_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
    ) as like_count,
    (
        select count(*) from comments comment
        where comment.post_id = post.id and comment.author_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
    ) as comment_count,
    exists (
        select from likes given where given.post_id = post.id and given.user_id = $1
    ) as liked_by_me,
    (
        select coalesce(jsonb_object_agg(counted.emoji, counted.people), '{}')
        from (
            select reaction.emoji, count(*) as people
            from reactions reaction
            where reaction.post_id = post.id and reaction.user_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
            group by reaction.emoji
            order by people desc, reaction.emoji
            limit 20
        ) counted
    ) as reactions,
    (
        select own.emoji from reactions own where own.post_id = post.id and own.user_id = $1
    ) as my_reaction
from page
join posts post on post.id = page.id
join users account on account.id = post.author_id
where post.deleted_at is null and case when post.group_id is null then ((account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and (not account.is_private or account.id = $1 or exists (
                select from follows seen
                where seen.follower_id = $1 and seen.followee_id = account.id and seen.status = 'accepted'
            ) or exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            ))) else (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and exists (
                select from group_members member
                join groups on groups.id = member.group_id and groups.deleted_at is null
                where member.group_id = post.group_id and member.user_id = $1
            ) end
order by post.created_at desc, post.id desc
-- next statement
select exists (
    select from group_members member
    join groups on groups.id = member.group_id and groups.deleted_at is null
    where member.group_id = $2 and member.user_id = $1
)
-- next statement
with page as materialized (
    select written.id
    from posts written
    join users account on account.id = written.author_id
    where written.group_id = $2 and written.deleted_at is null
        and (written.created_at, written.id) < ($3, $4)
        and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))
    order by written.created_at desc, written.id desc
    limit $5)
select
    post.id, post.kind, post.content, post.created_at, post.edited_at, post.attachments, post.group_id,
    post.activity_type, post.duration_minutes, post.distance_km, post.notes, post.activity_date,
    account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar,
    (
        select count(*) from likes given
        where given.post_id = post.id and given.user_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
    ) as like_count,
    (
        select count(*) from comments comment
        where comment.post_id = post.id and comment.author_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
    ) as comment_count,
    exists (
        select from likes given where given.post_id = post.id and given.user_id = $1
    ) as liked_by_me,
    (
        select coalesce(jsonb_object_agg(counted.emoji, counted.people), '{}')
        from (
            select reaction.emoji, count(*) as people
            from reactions reaction
            where reaction.post_id = post.id and reaction.user_id not in (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1)
            group by reaction.emoji
            order by people desc, reaction.emoji
            limit 20
        ) counted
    ) as reactions,
    (
        select own.emoji from reactions own where own.post_id = post.id and own.user_id = $1
    ) as my_reaction
from page
join posts post on post.id = page.id
join users account on account.id = post.author_id
where post.deleted_at is null and case when post.group_id is null then ((account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and (not account.is_private or account.id = $1 or exists (
                select from follows seen
                where seen.follower_id = $1 and seen.followee_id = account.id and seen.status = 'accepted'
            ) or exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            ))) else (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and exists (
                select from group_members member
                join groups on groups.id = member.group_id and groups.deleted_at is null
                where member.group_id = post.group_id and member.user_id = $1
            ) end
order by post.created_at desc, post.id desc
-- next statement
insert into posts (
    author_id, content, created_at, attachments, group_id,
    kind, activity_type, duration_minutes, distance_km, notes, activity_date
)
select
    $1, $2, $3, $4, $5::bigint,
    case when $6::text is null then 'post' else 'activity' end, $6, $7, $8, $9, $10
where $5::bigint is null or exists (
    select from group_members member
    join groups on groups.id = member.group_id and groups.deleted_at is null
    where member.group_id = $5 and member.user_id = $1
)
returning id
-- next statement
select content from posts
where id = $1 and author_id = $2 and deleted_at is null
for no key update
-- next statement
update posts
set content = $3, edited_at = $4, attachments = coalesce($6, attachments)
where id = $1 and author_id = $2 and deleted_at is null and created_at >= $5
-- next statement
update posts
set deleted_at = $3
where id = $1 and author_id = $2 and deleted_at is null
-- next statement
select post.id
from posts post
join users account on account.id = post.author_id
where post.id = any($2) and post.deleted_at is null and case when post.group_id is null then ((account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and (not account.is_private or account.id = $1 or exists (
                select from follows seen
                where seen.follower_id = $1 and seen.followee_id = account.id and seen.status = 'accepted'
            ) or exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            ))) else (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and exists (
                select from group_members member
                join groups on groups.id = member.group_id and groups.deleted_at is null
                where member.group_id = post.group_id and member.user_id = $1
            ) end
-- next statement
select distinct cut.person from (select cut.blocked_id from blocks cut where cut.blocker_id = $1 union all select cut.blocker_id from blocks cut where cut.blocked_id = $1) as cut(person) limit $2
-- next statement
select post.id, to_jsonb((select count(*) from likes given where given.post_id = post.id)) as count
from unnest($1::bigint[]) as post(id)
-- next statement
select post.id, to_jsonb((select count(*) from comments comment where comment.post_id = post.id)) as count
from unnest($1::bigint[]) as post(id)
-- next statement
select post.id, (
    select coalesce(jsonb_object_agg(counted.emoji, counted.people), '{}')
    from (
        select reaction.emoji, count(*) as people
        from reactions reaction
        where reaction.post_id = post.id
        group by reaction.emoji
        order by people desc, reaction.emoji
        limit 20
    ) counted
) as count
from unnest($1::bigint[]) as post(id)
-- next statement
select exists (select from users where id = $1 and deleted_at is null)
-- next statement
select account.id, account.invisible_since is not null and account.id <> $1 as invisible, seen.at
from users account
left join last_seen seen on seen.user_id = account.id
where account.id = any($2) and (account.id = $1 or (exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            ) or exists (
                select from follows mine
                join follows theirs on theirs.follower_id = mine.followee_id and theirs.followee_id = mine.follower_id
                where mine.follower_id = $1 and mine.followee_id = account.id
                    and mine.status = 'accepted' and theirs.status = 'accepted'
            ))) and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))
-- next statement
select account.id
from users account
where account.id > $2 and account.id in (
        select friend_id from friend_links where user_id = $1 and status = 'accepted'
        union all
        select followee_id from follows where follower_id = $1 and status = 'accepted'
    )
    and account.invisible_since is null and (exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            ) or exists (
                select from follows mine
                join follows theirs on theirs.follower_id = mine.followee_id and theirs.followee_id = mine.follower_id
                where mine.follower_id = $1 and mine.followee_id = account.id
                    and mine.status = 'accepted' and theirs.status = 'accepted'
            )) and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))
order by account.id
limit $3
-- next statement
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
where account.id = any($1)
-- next statement
insert into last_seen (user_id, at)
select account.id, least(to_timestamp(max(seen.at_ms) / 1000.0), account.invisible_since, $3::timestamptz)
from unnest($1::bigint[], $2::bigint[]) as seen (user_id, at_ms)
join users account on account.id = seen.user_id
group by account.id
order by account.id
on conflict (user_id) do update set at = greatest(last_seen.at, excluded.at)
-- next statement
insert into reactions as own (post_id, user_id, emoji, created_at)
values ($1, $2, $3, $4)
on conflict on constraint reaction_unique do update
set emoji = excluded.emoji, created_at = excluded.created_at
where own.emoji <> excluded.emoji
-- next statement
delete from reactions
where post_id = $1 and user_id = $2
-- next statement
select coalesce(jsonb_object_agg(counted.emoji, counted.people), '{}')
from (
    select emoji, count(*) as people
    from reactions
    where post_id = $1
    group by emoji
    order by people desc, emoji
    limit 20
) counted
-- next statement
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
from log_epoch epoch
-- next statement
    select id, username, name, bio, avatar, is_private, created_at
    from users account
    where account.id = $2 and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))
-- next statement
select exists (select from users account where account.id = $2 and (exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            ) or exists (
                select from follows mine
                join follows theirs on theirs.follower_id = mine.followee_id and theirs.followee_id = mine.follower_id
                where mine.follower_id = $1 and mine.followee_id = account.id
                    and mine.status = 'accepted' and theirs.status = 'accepted'
            )))
-- next statement
select account.id from users account where account.id = any($2) and (exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            ) or exists (
                select from follows mine
                join follows theirs on theirs.follower_id = mine.followee_id and theirs.followee_id = mine.follower_id
                where mine.follower_id = $1 and mine.followee_id = account.id
                    and mine.status = 'accepted' and theirs.status = 'accepted'
            ))
-- next statement
    update users set invisible_since = case when $2 then $3::timestamptz end
    where id = $1 and (invisible_since is not null) <> $2
-- next statement
select invisible_since is not null from users where id = $1
-- next statement
select is_private from users where id = $1 for no key update
-- next statement
    update users set
        name = coalesce($2, name),
        bio = coalesce($3, bio),
        avatar = case when $4 then $5 else avatar end,
        is_private = coalesce($6, is_private),
        updated_at = $7
    where id = $1
    returning id, username, name, bio, avatar, is_private, created_at
-- next statement
select account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar from users account
    where (account.username like $2 or lower(account.name) like $2
            or account.username % $5::text or lower(account.name) % $5::text)
      and ($3::text is null or account.username > $3)
      and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))
    order by account.username
    limit $4
-- next statement
    update follows set status = 'accepted' where followee_id = $1 and status = 'requested'
    returning follower_id
-- next statement
    select not account.is_private or account.id = $1 or exists (
        select from follows
        where follower_id = account.id and followee_id = $1 and status = 'accepted'
    ) or exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            )
    from users account
    where account.id = $2 and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            ))
-- next statement
select exists (
        select from users account
        where account.id = $2 and (account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )))
-- next statement
select exists (
        select from users account
        where account.id = $2 and ((account.id = $1 or account.suspended_at is null and account.deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = account.id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = account.id and cut.blocked_id = $1
            )) and (not account.is_private or account.id = $1 or exists (
                select from follows seen
                where seen.follower_id = $1 and seen.followee_id = account.id and seen.status = 'accepted'
            ) or exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            ))))
-- next statement
select account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar from users account where account.id = $1
-- next statement
select account.id as person_id, account.username as person_username, account.name as person_name, account.avatar as person_avatar from users account where account.id = any($1)
-- next statement
select pg_advisory_xact_lock(
    hashtextextended('pair ' || least($1::bigint, $2::bigint) || ' ' || greatest($1::bigint, $2::bigint), 0)
)
-- next statement
select exists (select from mutes where muter_id = $1 and muted_id = $2)
    or exists (select from blocks where blocker_id = $1 and blocked_id = $2)
    or exists (select from blocks where blocker_id = $2 and blocked_id = $1)
