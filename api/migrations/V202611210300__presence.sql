-- Since when somebody looks offline to everybody; null for those who do not.
alter table users add column invisible_since timestamptz;

-- When people were last online. Beside the accounts, because it is written whenever somebody goes.
create table last_seen (
    user_id bigint primary key references users on delete cascade,
    at timestamptz not null
)
-- Rows are updated in place for ever: room on the page spares the index.
with (fillfactor = 70);
