-- Answers to requests that carried an Idempotency-Key, kept for a day, stored by the transaction of the change that each
-- tells of. A request with the same key waits at the primary key until that transaction has ended.
create table idempotency_keys (
    user_id bigint not null references users on delete cascade,
    key text not null,
    -- SHA-256 of method, path and body.
    fingerprint bytea not null,
    -- Null only inside the transaction.
    status integer,
    body bytea,
    expires_at timestamptz not null,
    constraint idempotency_key_unique primary key (user_id, key)
);
create index idempotency_keys_by_end on idempotency_keys (expires_at);
