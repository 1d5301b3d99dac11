-- Names with a letter wrong are found by the groups of three letters that they share.
create extension if not exists pg_trgm;
create index users_by_username_letters on users using gin (username gin_trgm_ops);
create index users_by_name_letters on users using gin (lower(name) gin_trgm_ops);
