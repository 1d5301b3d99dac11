//! Who may see what an account shows to people: the one place that says it.

/// The condition, for statements that list what accounts show: posts, and who follows whom. `$1` is the viewer, and
/// `account` the row of `users` that it is about. A public account shows it to everybody who is signed in, a private one
/// to itself and to the followers that it has accepted.
macro_rules! may_see_account {
    () => {
        "(not account.is_private or account.id = $1 or exists (
            select from follows seen
            where seen.follower_id = $1 and seen.followee_id = account.id and seen.status = 'accepted'
        ))"
    };
}

pub(crate) use may_see_account;
