-- Names that begin alike, in the order in which a page shows them: a page costs what it shows, not what there is.
create index users_by_name_and_username on users (lower(name) text_pattern_ops, username text_pattern_ops);
drop index users_by_name_prefix;
