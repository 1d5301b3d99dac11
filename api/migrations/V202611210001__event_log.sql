-- The log of durable events: outbox and history at once. docs/decisions/0002-event-log-audit.md tells why it is shaped so.

-- Ids of durable events. Ephemeral ones draw from the upper half of the range below 2^53.
create sequence event_ids maxvalue 4503599627370495;

-- Names the life of the log. Changed only by `api new-epoch`, after the database was restored to an earlier state.
create table log_epoch (
    only_row boolean primary key default true constraint log_epoch_is_one_row check (only_row),
    bits bigint not null
);
insert into log_epoch (bits)
values (('x' || substr(md5(random()::text || clock_timestamp()::text), 1, 16))::bit(64)::bigint);

-- One row a channel, locked from numbering to commit: the order of offsets is the order of commits, without holes.
create table channel_heads (
    channel text primary key,
    head bigint not null constraint channel_head_in_range check (head between 1 and 9007199254740991)
)
-- Rows are updated in place for ever: room on the page spares the index.
with (fillfactor = 70);

create table event_log (
    channel text not null,
    "offset" bigint not null,
    event_id bigint not null,
    kind text not null,
    control boolean not null,
    committed_at_ms bigint not null,
    body bytea not null,
    -- Who wrote it, as snapshots know transactions: how the relay finds what it has not looked at yet.
    txid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now()
)
partition by range (created_at);

create index event_log_by_channel on event_log (channel, "offset");
create index event_log_by_transaction on event_log (txid);

-- Makes the partition of a day (UTC), if it is not there. Called for some days ahead, so that no write waits for it.
create function create_event_log_partition(day date) returns void
language plpgsql as $$
begin
    execute format(
        'create table if not exists %I partition of event_log for values from (%L) to (%L)',
        'event_log_' || to_char(day, 'YYYYMMDD'),
        to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00',
        to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00'
    );
end
$$;

select create_event_log_partition((now() at time zone 'utc')::date + ahead) from generate_series(0, 7) as ahead;

-- Everything that this snapshot sees has been published. Moved by the relay alone.
create table relay_cursor (
    only_row boolean primary key default true constraint relay_cursor_is_one_row check (only_row),
    snapshot pg_snapshot not null
);
insert into relay_cursor (snapshot) values (pg_current_snapshot());

-- Work that one pod at a time does.
create table leases (
    name text primary key,
    owner text not null,
    expires_at timestamptz not null
);
