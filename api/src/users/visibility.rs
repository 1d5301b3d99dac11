//! Who may know of whom, and who may see what an account shows: the one place that says it.
//!
//! Two conditions, for every statement that reads what belongs to people. In both, `$1` is the viewer, and `account` (or
//! the name that is given) the row of `users` that it is about. They read the tables of the slices above this one, so
//! that each of them asks here, and none of them asks differently.

/// Whether the viewer may know of the account: profiles, lists of people, what people wrote under the posts of others.
/// Oneself always; else an account that is neither closed nor suspended, while neither blocks the other.
macro_rules! may_meet_account {
    () => {
        crate::users::may_meet_account!("account")
    };
    ($account:literal) => {
        concat!(
            "(",
            $account,
            ".id = $1 or ",
            $account,
            ".suspended_at is null and ",
            $account,
            ".deleted_at is null
            and not exists (
                select from blocks cut where cut.blocker_id = $1 and cut.blocked_id = ",
            $account,
            ".id
            )
            and not exists (
                select from blocks cut where cut.blocker_id = ",
            $account,
            ".id and cut.blocked_id = $1
            ))"
        )
    };
}

/// Whether the viewer may see what the account shows: its posts, what hangs on them, and who follows whom. Whoever may
/// know of it sees a public account; a private one is seen by itself, its accepted followers, and its friends.
macro_rules! may_see_account {
    () => {
        concat!(
            "(",
            crate::users::may_meet_account!(),
            " and (not account.is_private or account.id = $1 or exists (
                select from follows seen
                where seen.follower_id = $1 and seen.followee_id = account.id and seen.status = 'accepted'
            ) or ",
            crate::users::is_friend_of_account!(),
            "))"
        )
    };
}

/// Whether `$1` and the account are friends; a request is not enough.
macro_rules! is_friend_of_account {
    () => {
        "exists (
                select from friendships friendship
                where friendship.first_user_id = least($1, account.id)
                    and friendship.second_user_id = greatest($1, account.id)
                    and friendship.status = 'accepted'
            )"
    };
}

/// Whether `$1` and the account show each other when they are online: they are friends, or follow each other. Never people
/// with a block between them, because a block ends both.
macro_rules! is_contact_of_account {
    () => {
        concat!(
            "(",
            crate::users::is_friend_of_account!(),
            " or exists (
                select from follows mine
                join follows theirs on theirs.follower_id = mine.followee_id and theirs.followee_id = mine.follower_id
                where mine.follower_id = $1 and mine.followee_id = account.id
                    and mine.status = 'accepted' and theirs.status = 'accepted'
            ))"
        )
    };
}

/// The people whom the viewer blocks or is blocked by, each once, as a column `id`: for counts of what people did, where
/// [`may_meet_account`] would be asked of each of thousands.
macro_rules! blocked_people {
    ($viewer:literal) => {
        concat!(
            "(select cut.blocked_id as id from blocks cut where cut.blocker_id = ",
            $viewer,
            " union select cut.blocker_id from blocks cut where cut.blocked_id = ",
            $viewer,
            ")"
        )
    };
}

pub(crate) use {
    blocked_people, is_contact_of_account, is_friend_of_account, may_meet_account, may_see_account,
};
