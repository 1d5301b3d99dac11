-- A page of a channel's log, in order: as many events as fit, the first one whatever its size.
-- $1 text: the channel; $2, $3 bigint: after, through; $4 bigint: events at most; $5 bigint: bytes of bodies at most
select "offset", event_id, kind, control, committed_at_ms, trace, body, bits
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
