-- A conversation that one person wishes for. Null: nobody has to be asked, or the one who was asked has accepted.
alter table conversations
    add column request_status text
        constraint conversation_request_status_known check (request_status in ('pending', 'rejected')),
    -- Who is asked; the other one asks.
    add column request_to bigint references users,
    add constraint conversation_request_asks_somebody
        check ((request_status is null) = (request_to is null)) not valid;
alter table conversations validate constraint conversation_request_asks_somebody;
-- One person's requests, the newest first.
create index conversation_requests on conversations (request_to, id desc) where request_status = 'pending';

-- What a person wants of all conversations. No row: the defaults.
create table conversation_preferences (
    user_id bigint primary key references users on delete cascade,
    -- Off: nobody sees how far this person has read, and this person sees it of nobody.
    read_receipts boolean not null default true
);
