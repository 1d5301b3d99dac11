//! Statements about the table `notifications`, by what they are for.

mod ask;
mod list;
mod read;
mod store;
mod view;

pub(super) use ask::{Settled, find_asked, settle_asked_by, settle_one, settle_subjects};
pub use list::{count_unread, list_notifications};
pub(super) use read::{lock_recipient, mark_all_read, mark_read};
pub(super) use store::{
    find_repeated, fold_into, insert_actor, insert_notification, is_told, lock_subject,
};
pub use view::NotificationView;
pub(super) use view::notification_columns;

use super::{changes, mentions, policy, preferences};

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    policy::FIND_WISHES,
    mentions::FIND_MENTIONED,
    preferences::LIST_TYPES,
    preferences::SET_TYPE,
    preferences::COUNT_TYPES,
    preferences::FIND_POLICY,
    preferences::SET_POLICY,
    preferences::IS_TIME_ZONE,
    store::INSERT_NOTIFICATION,
    store::IS_TOLD,
    store::LOCK_SUBJECT,
    store::FIND_REPEATED,
    store::FOLD_INTO,
    store::INSERT_ACTOR,
    ask::SETTLE_SUBJECTS,
    ask::SETTLE_ASKED_BY,
    ask::SETTLE_ONE,
    ask::FIND_ASKED,
    list::LIST_NOTIFICATIONS,
    list::COUNT_UNREAD,
    changes::LIST_CHANGED,
    read::MARK_READ,
    read::LOCK_RECIPIENT,
    read::MARK_ALL_READ,
];
