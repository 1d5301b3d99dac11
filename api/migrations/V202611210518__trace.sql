-- The trace of a request whose way is recorded, so that whoever publishes the event goes on with it; else null.
alter table event_log add column trace text;
