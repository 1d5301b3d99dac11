-- How much was committed since the cursor's snapshot, counted up to a bound, and since when.
select count(*) as depth, min(committed_at_ms) as oldest_committed_at_ms
from (
    select committed_at_ms
    from event_log
    -- Not joined: the index is read from there on, instead of from its beginning.
    where txid >= (select pg_snapshot_xmin(snapshot) from relay_cursor)
        and not pg_visible_in_snapshot(txid, (select snapshot from relay_cursor))
    order by txid
    limit 100000
) as unseen
