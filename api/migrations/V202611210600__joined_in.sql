-- The transaction by which a member began to hear a conversation, so that who polls knows that it was left in between.
alter table conversation_members add column joined_in xid8 not null default '0';
alter table conversation_members alter column joined_in set default pg_current_xact_id();
