-- Whether people show how far they have read is part of how their conversations look.
alter table conversation_preferences add column changed_in xid8 not null default '0';
alter table conversation_preferences alter column changed_in set default pg_current_xact_id();

create trigger conversation_preferences_changed before update on conversation_preferences
    for each row execute function mark_changed();
