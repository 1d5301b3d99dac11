-- Authors edit and delete what they wrote. A message that was deleted stays as an empty row: its number must not become a
-- hole, and its client's name for it must not become free.
alter table messages
    add column edited_at timestamptz,
    add column deleted_at timestamptz,
    -- SHA-256 of the text as it was sent, once the text is another: a repetition is compared with what was sent first.
    add column sent_digest bytea,
    drop constraint message_content_length,
    add constraint message_content_length check (
        char_length(content) <= 10000 and (deleted_at is null) = (content <> '')
    ) not valid;
alter table messages validate constraint message_content_length;
