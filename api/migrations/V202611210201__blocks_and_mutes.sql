-- Who has cut off whom. The row is one way; what follows from it holds both ways.
create table blocks (
    blocker_id bigint not null references users on delete cascade,
    blocked_id bigint not null references users on delete cascade,
    created_at timestamptz not null,
    constraint block_unique primary key (blocker_id, blocked_id),
    constraint user_cannot_block_self check (blocker_id <> blocked_id)
);
create index blocks_by_blocked on blocks (blocked_id, blocker_id);

-- Whose acts somebody does not want to be told of.
create table mutes (
    muter_id bigint not null references users on delete cascade,
    muted_id bigint not null references users on delete cascade,
    created_at timestamptz not null,
    constraint mute_unique primary key (muter_id, muted_id),
    constraint user_cannot_mute_self check (muter_id <> muted_id)
);
create index mutes_by_muted on mutes (muted_id);
