-- Where channels' logs end, in the order asked; 0 for a channel without events.
-- $1 text[]: channels
select coalesce(head, 0) as head, bits
from unnest($1::text[]) with ordinality as asked (channel, place)
left join channel_heads using (channel)
cross join log_epoch
order by place
