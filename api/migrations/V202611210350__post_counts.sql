-- How many people like a post, comment on it, react to it: kept beside the rows by triggers, in the transaction that changes
-- them, and so exact whoever reads. A post that thousands like at once has up to sixteen counters of each kind, of which
-- a connection takes always the same one: docs/decisions/0011-counts.md.
create table post_counts (
    -- Not a foreign key: what hangs on a post is deleted with it, and counted down after it.
    post_id bigint not null,
    -- `like`, `comment`, or an emoji.
    what text not null,
    shard smallint not null,
    -- Of one shard; what one connection adds, another may take away. The sum is never below zero.
    number bigint not null,
    constraint post_count_unique primary key (post_id, what, shard)
)
-- Rows are updated in place for ever: room on the page spares the index.
with (fillfactor = 70);

-- Adds to the counters of this connection's shard. In the order of the posts, so that two that count many cannot wait for
-- each other.
create function count_likes() returns trigger language plpgsql as $$
begin
    insert into post_counts as counter (post_id, what, shard, number)
    select post_id, 'like', pg_backend_pid() & 15, case tg_op when 'INSERT' then count(*) else -count(*) end
    from changed
    group by post_id
    order by post_id
    on conflict on constraint post_count_unique do update set number = counter.number + excluded.number;
    return null;
end
$$;

create function count_comments() returns trigger language plpgsql as $$
begin
    insert into post_counts as counter (post_id, what, shard, number)
    select post_id, 'comment', pg_backend_pid() & 15, case tg_op when 'INSERT' then count(*) else -count(*) end
    from changed
    group by post_id
    order by post_id
    on conflict on constraint post_count_unique do update set number = counter.number + excluded.number;
    return null;
end
$$;

create function count_reactions() returns trigger language plpgsql as $$
begin
    insert into post_counts as counter (post_id, what, shard, number)
    select post_id, emoji, pg_backend_pid() & 15, case tg_op when 'INSERT' then count(*) else -count(*) end
    from changed
    group by post_id, emoji
    order by post_id, emoji
    on conflict on constraint post_count_unique do update set number = counter.number + excluded.number;
    return null;
end
$$;

create function recount_reactions() returns trigger language plpgsql as $$
begin
    insert into post_counts as counter (post_id, what, shard, number)
    select post_id, emoji, pg_backend_pid() & 15, sum(by)
    from (
        select post_id, emoji, 1 as by from changed
        union all
        select post_id, emoji, -1 from before
    ) step
    group by post_id, emoji
    having sum(by) <> 0
    order by post_id, emoji
    on conflict on constraint post_count_unique do update set number = counter.number + excluded.number;
    return null;
end
$$;

-- Nothing is written between the counting and the triggers.
lock table likes, comments, reactions in share row exclusive mode;
insert into post_counts (post_id, what, shard, number)
select post_id, 'like', 0, count(*) from likes group by post_id
union all
select post_id, 'comment', 0, count(*) from comments group by post_id
union all
select post_id, emoji, 0, count(*) from reactions group by post_id, emoji;

create trigger likes_counted after insert on likes
referencing new table as changed for each statement execute function count_likes();
create trigger likes_counted_down after delete on likes
referencing old table as changed for each statement execute function count_likes();
create trigger comments_counted after insert on comments
referencing new table as changed for each statement execute function count_comments();
create trigger comments_counted_down after delete on comments
referencing old table as changed for each statement execute function count_comments();
create trigger reactions_counted after insert on reactions
referencing new table as changed for each statement execute function count_reactions();
create trigger reactions_counted_down after delete on reactions
referencing old table as changed for each statement execute function count_reactions();
create trigger reactions_recounted after update on reactions
referencing new table as changed old table as before for each statement execute function recount_reactions();

-- What people did whom a reader blocks is taken off the counts again: found by person.
create index comments_of_person on comments (post_id, author_id);

-- Likes that the post's author has not been told of, because somebody else's like was being told at that moment: a job does
-- it. Deleted with the telling.
create table untold_likes (
    post_id bigint not null references posts on delete cascade,
    user_id bigint not null references users on delete cascade,
    constraint untold_like_unique primary key (post_id, user_id)
);
create index untold_likes_by_user on untold_likes (user_id);
