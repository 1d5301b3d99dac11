-- What housekeeping deletes is found by when it ended, not by reading everybody's.
create index sessions_by_end on sessions (expires_at);
create index refresh_tokens_by_use on refresh_tokens (used_at) where used_at is not null;
create index group_event_notices_by_age on group_event_notices (created_at);
