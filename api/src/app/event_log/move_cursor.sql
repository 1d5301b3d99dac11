-- Everything that the new snapshot sees has been published. Refused to a relay that has lost its lease meanwhile.
-- $1 text: the snapshot; $2 text: the lease's name; $3 text: its owner
update relay_cursor set snapshot = $1::text::pg_snapshot
where exists (select from leases where name = $2 and owner = $3 and expires_at > now())
