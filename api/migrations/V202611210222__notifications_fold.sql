alter table notifications
    -- How many different people are folded into it; the newest of them is the actor.
    add column actor_count bigint not null default 1,
    -- Kept aside by the recipient's policy: not counted, not told.
    add column is_filtered boolean not null default false;
-- What a repeat is folded into.
create index notifications_by_subject on notifications (user_id, kind, related_id, id desc);

-- Who is folded into a notification: nobody twice.
create table notification_actors (
    notification_id bigint not null references notifications on delete cascade,
    actor_id bigint not null references users on delete cascade,
    constraint notification_actor_unique primary key (notification_id, actor_id)
);
create index notification_actors_by_actor on notification_actors (actor_id);

drop index notifications_unread;
create index notifications_unread on notifications (user_id, id) where read_at is null and not is_filtered;
