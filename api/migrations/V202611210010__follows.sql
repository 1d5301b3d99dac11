-- Who follows whom. A request to a private account is a row too, so that asking twice, or asking and being accepted at
-- the same moment, meet in one place.
create table follows (
    follower_id bigint not null references users on delete cascade,
    followee_id bigint not null references users on delete cascade,
    status text not null
        constraint follow_status_known check (status in ('accepted', 'requested')),
    created_at timestamptz not null,
    constraint follow_unique primary key (follower_id, followee_id),
    constraint user_cannot_follow_self check (follower_id <> followee_id)
);
-- Lists by age, either way, and whose posts a feed is made of.
create index follows_by_follower on follows (follower_id, status, created_at, followee_id);
create index follows_by_followee on follows (followee_id, status, created_at, follower_id);
