-- Finds an event by its id, for traces. Ids rise with time, so an index of block ranges is enough, and inserts hardly notice.
create index if not exists event_log_by_event on event_log using brin (event_id) with (pages_per_range = 32, autosummarize = on);
