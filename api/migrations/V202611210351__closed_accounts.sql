-- What a closed account did is taken away in small steps after it was closed; null while there is something left.
alter table users add column emptied_at timestamptz;
create index users_to_empty on users (id) where deleted_at is not null and emptied_at is null;
