-- Which transaction wrote a row last, for "what has changed since this snapshot" (docs/decisions/0010-snapshot-and-stream.md).
-- What is there already counts as old: a constant default is added without touching a row.
alter table conversations add column changed_in xid8 not null default '0';
alter table conversation_members add column changed_in xid8 not null default '0';
alter table messages add column changed_in xid8 not null default '0';
alter table notifications add column changed_in xid8 not null default '0';
alter table groups add column changed_in xid8 not null default '0';
alter table group_members add column changed_in xid8 not null default '0';

alter table conversations alter column changed_in set default pg_current_xact_id();
alter table conversation_members alter column changed_in set default pg_current_xact_id();
alter table messages alter column changed_in set default pg_current_xact_id();
alter table notifications alter column changed_in set default pg_current_xact_id();
alter table groups alter column changed_in set default pg_current_xact_id();
alter table group_members alter column changed_in set default pg_current_xact_id();

-- By trigger, so that no statement can forget it.
create function mark_changed() returns trigger
language plpgsql as $$
begin
    new.changed_in := pg_current_xact_id();
    return new;
end
$$;

create trigger conversations_changed before update on conversations
    for each row execute function mark_changed();
create trigger conversation_members_changed before update on conversation_members
    for each row execute function mark_changed();
create trigger messages_changed before update on messages
    for each row execute function mark_changed();
create trigger notifications_changed before update on notifications
    for each row execute function mark_changed();
create trigger groups_changed before update on groups
    for each row execute function mark_changed();
create trigger group_members_changed before update on group_members
    for each row execute function mark_changed();

-- New messages are found by their numbers; those that changed later, which are few, by this.
create index messages_changed_later on messages (conversation_id, changed_in)
    where edited_at is not null or deleted_at is not null;
create index notifications_by_change on notifications (user_id, changed_in, id) where not is_filtered;
