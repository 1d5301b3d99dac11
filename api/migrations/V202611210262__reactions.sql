-- One of a person for a post. The rows are the counts.
create table reactions (
    post_id bigint not null references posts on delete cascade,
    user_id bigint not null references users on delete cascade,
    emoji text not null
        constraint reaction_emoji_length check (octet_length(emoji) between 1 and 64),
    created_at timestamptz not null,
    constraint reaction_unique primary key (post_id, user_id)
);
create index reactions_by_emoji on reactions (post_id, emoji);
create index reactions_by_user on reactions (user_id);
