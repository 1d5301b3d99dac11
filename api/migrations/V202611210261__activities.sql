-- An activity is a post with a little more: everything that hangs on posts hangs on it.
alter table posts
    drop constraint post_kind_known,
    add constraint post_kind_known check (kind in ('post', 'activity')),
    drop constraint post_content_length,
    -- An activity may do without words.
    add constraint post_content_length
        check (char_length(content) <= 10000 and (content <> '' or kind = 'activity')),
    add column group_id bigint references groups on delete cascade,
    -- URLs with what clients say about them; the files are elsewhere.
    add column attachments jsonb not null default '[]'
        constraint post_attachments_are_a_list check (jsonb_typeof(attachments) = 'array'),
    add column activity_type text
        constraint post_activity_type_length check (char_length(activity_type) between 1 and 50),
    add column duration_minutes integer
        constraint post_duration_in_range check (duration_minutes >= 0),
    add column distance_km double precision
        constraint post_distance_in_range check (distance_km >= 0),
    add column notes text
        constraint post_notes_length check (char_length(notes) <= 2000),
    add column activity_date date,
    add constraint post_activity_has_type check ((kind = 'activity') = (activity_type is not null));

-- The public feed is a range of this index, a group's feed one of the next.
create index posts_by_time on posts (created_at, id) where deleted_at is null and group_id is null;
create index posts_by_group on posts (group_id, created_at, id)
    where deleted_at is null and group_id is not null;
