-- A restored database may stand in another cluster, whose transaction ids say nothing about the cursor's.
-- $1 bigint: the new epoch's bits
with cursor as (update relay_cursor set snapshot = pg_current_snapshot())
update log_epoch set bits = $1
