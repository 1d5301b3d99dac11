-- Durable broadcasts that not everybody has been told yet: written with the answer to whoever published them, worked off in
-- batches by one pod at a time, gone when everybody was told.
create table durable_broadcasts (
    -- The event's id, in every channel that carries it.
    event_id bigint primary key
        constraint durable_broadcast_id_in_range check (event_id between 1 and 9007199254740991),
    kind text not null,
    -- The event's data: JSON, as it will be sent.
    data text not null,
    -- Everybody up to here has been told.
    told_to bigint not null default 0,
    created_at timestamptz not null,
    due_at timestamptz not null,
    attempts integer not null default 0
);
create index durable_broadcasts_due on durable_broadcasts (due_at, event_id);
