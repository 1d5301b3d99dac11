-- What a person wants to be told, by notification type. No row: everything, in every way.
create table notification_preferences (
    user_id bigint not null references users on delete cascade,
    kind text not null
        constraint notification_preference_kind_valid check (kind ~ '^[a-z][a-z0-9_]{0,49}$'),
    in_app boolean not null,
    push boolean not null,
    constraint notification_preference_unique primary key (user_id, kind)
);

-- From whom, and when. No row: from everybody, always.
create table notification_policies (
    user_id bigint primary key references users on delete cascade,
    -- Classes of senders. A sender may be in several; the strictest of them decides.
    not_followed text not null default 'accept'
        constraint notification_policy_not_followed_known check (not_followed in ('accept', 'filter', 'drop')),
    not_following text not null default 'accept'
        constraint notification_policy_not_following_known check (not_following in ('accept', 'filter', 'drop')),
    new_account text not null default 'accept'
        constraint notification_policy_new_account_known check (new_account in ('accept', 'filter', 'drop')),
    -- Quiet hours by the clock on the person's wall; over midnight where they end before they begin.
    quiet_from time,
    quiet_until time,
    quiet_time_zone text,
    constraint notification_policy_quiet_hours_whole check (
        num_nulls(quiet_from, quiet_until, quiet_time_zone) in (0, 3)
    )
);
