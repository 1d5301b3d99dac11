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
