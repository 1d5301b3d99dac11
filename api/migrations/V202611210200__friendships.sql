-- Who is friends with whom, and who has asked. One row for a pair, whoever asked: two requests that cross meet in it.
create table friendships (
    first_user_id bigint not null references users on delete cascade,
    second_user_id bigint not null references users on delete cascade,
    status text not null
        constraint friendship_status_known check (status in ('accepted', 'requested')),
    requested_by bigint not null,
    -- When it became what it is.
    since timestamptz not null,
    constraint friendship_unique primary key (first_user_id, second_user_id),
    -- The smaller id first, and so never with oneself.
    constraint friendship_pair_is_ordered check (first_user_id < second_user_id),
    constraint friendship_requested_by_one_of_them check (requested_by in (first_user_id, second_user_id))
);
-- Lists by age, from either end.
create index friendships_by_first on friendships (first_user_id, status, since, second_user_id);
create index friendships_by_second on friendships (second_user_id, status, since, first_user_id);

-- Every friendship and request from both of its ends: what lists of one person's friends read.
create view friend_links as
select first_user_id as user_id, second_user_id as friend_id, status, requested_by, since from friendships
union all
select second_user_id, first_user_id, status, requested_by, since from friendships;
