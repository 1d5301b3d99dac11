-- Numbers events and appends them to the log.
-- $1 text[], $2 boolean[], $3 bytea[]: kind, control and body of the events
-- $4 bigint[], $5 text[]: which event (from 1) goes to which channel
-- $6 bigint: the time, in milliseconds since the Unix epoch
-- $7 bigint[]: the events' ids, where they were drawn before
-- $8 text[]: the trace of each of these ways, null where it is not followed; empty where none is
with drawn as materialized (
    select number, kind, control, body, coalesce(id, nextval('event_ids')) as event_id
    from unnest($1::text[], $2::boolean[], $3::bytea[], $7::bigint[])
        with ordinality as e (kind, control, body, id, number)
),
entries as (
    select
        number,
        channel,
        trace,
        row_number() over (partition by channel order by number) as place,
        count(*) over (partition by channel) as added
    from unnest($4::bigint[], $5::text[], $8::text[]) as e (number, channel, trace)
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
    select number, channel, trace, head - added + place as "offset"
    from entries join heads using (channel)
),
appended as (
    insert into event_log (channel, "offset", event_id, kind, control, committed_at_ms, trace, body)
    select channel, "offset", event_id, kind, control, $6::bigint, trace, body
    from numbered join drawn using (number)
)
select number, channel, trace, "offset", event_id, bits
from numbered join drawn using (number) cross join log_epoch
order by channel, "offset"
