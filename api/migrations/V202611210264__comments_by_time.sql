-- What was commented on in the last seconds is asked every second.
create index comments_by_time on comments (created_at);
