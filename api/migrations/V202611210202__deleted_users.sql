-- An account that its owner has closed. The row stays, emptied: messages and conversations name their people.
alter table users add column deleted_at timestamptz;
