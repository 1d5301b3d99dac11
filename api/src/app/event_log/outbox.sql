-- How much was committed since the cursor's snapshot, counted up to a bound, and since when.
select count(*) as depth, min(committed_at_ms) as oldest_committed_at_ms
from (
    select committed_at_ms
    from event_log cross join relay_cursor
    where txid >= pg_snapshot_xmin(snapshot) and not pg_visible_in_snapshot(txid, snapshot)
    order by txid
    limit 100000
) as unseen
