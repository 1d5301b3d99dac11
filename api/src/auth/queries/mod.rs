//! Statements on what `auth` keeps.

mod accounts;
mod attempts;
mod moderation;
mod refresh_tokens;
mod sessions;

pub use accounts::find_account;
pub(super) use accounts::{
    NewUser, find_credentials, find_password_hash, insert_demo_user, insert_user, update_password,
};
pub(super) use attempts::{count_attempt, take_back_attempt};
pub(super) use moderation::{find_by_name, is_account, lock_role, set_role, suspend, unsuspend};
pub(super) use refresh_tokens::{find_used_refresh_token, insert_refresh_token, use_refresh_token};
pub(super) use sessions::{
    SessionRow, extend_session, insert_session, list_recently_revoked, list_sessions,
    revoke_sessions, set_cookie_hash,
};

/// Every statement, for the test that prepares them.
pub(super) const STATEMENTS: &[&str] = &[
    accounts::INSERT_USER,
    accounts::INSERT_DEMO_USER,
    accounts::FIND_ACCOUNT,
    accounts::FIND_CREDENTIALS,
    accounts::FIND_PASSWORD,
    accounts::UPDATE_PASSWORD,
    sessions::INSERT_SESSION,
    sessions::SET_COOKIE_HASH,
    sessions::LIST_SESSIONS,
    sessions::REVOKE_SESSIONS,
    sessions::EXTEND_SESSION,
    refresh_tokens::INSERT_REFRESH_TOKEN,
    refresh_tokens::USE_REFRESH_TOKEN,
    refresh_tokens::FIND_USED_REFRESH_TOKEN,
    sessions::LIST_REVOKED_SINCE,
    attempts::COUNT_ATTEMPT,
    attempts::TAKE_BACK_ATTEMPT,
    sessions::DELETE_ENDED_SESSIONS,
    refresh_tokens::DELETE_USED_REFRESH_TOKENS,
    attempts::DELETE_OLD_ATTEMPTS,
    moderation::SUSPEND,
    moderation::UNSUSPEND,
    moderation::LOCK_ROLE,
    moderation::SET_ROLE,
    moderation::FIND_BY_NAME,
    moderation::IS_ACCOUNT,
    super::seed::OPEN_SESSIONS,
];

/// What deletes things that nobody needs any more.
pub(super) const HOUSEKEEPING: &[&str] = &[
    sessions::DELETE_ENDED_SESSIONS,
    refresh_tokens::DELETE_USED_REFRESH_TOKENS,
    attempts::DELETE_OLD_ATTEMPTS,
];
