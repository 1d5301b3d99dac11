-- The rows are the count: no counter beside them that could disagree.
create table likes (
    post_id bigint not null references posts on delete cascade,
    user_id bigint not null references users on delete cascade,
    created_at timestamptz not null,
    constraint like_unique primary key (post_id, user_id)
);
create index likes_by_user on likes (user_id, created_at);
