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
