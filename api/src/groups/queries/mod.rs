//! Statements about groups, by what they are about.

pub(super) mod groups;
pub(super) mod invitations;
pub(super) mod members;

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    super::crowd::ADD_CROWD,
    groups::INSERT_GROUP,
    groups::FIND_GROUP,
    groups::LIST_GROUPS,
    super::changes::LIST_CHANGED,
    groups::LOCK_GROUP,
    groups::UPDATE_GROUP,
    groups::EMPTY_GROUP,
    groups::FIND_CHAT,
    groups::FIND_CHAT_BY_CONVERSATION,
    members::FIND_ROLE,
    members::ADD_MEMBER,
    members::REMOVE_MEMBER,
    members::SET_ROLE,
    members::LIST_MEMBERS,
    members::LIST_ADMINS,
    members::LIST_GROUPS_OF,
    members::FIND_HEIR,
    members::COUNT_UP_VERSION,
    members::COUNT_GROUPS,
    members::FIND_HEAD,
    members::MEMBERSHIPS,
    invitations::INSERT_INVITATION,
    invitations::DELETE_INVITATION,
    invitations::INSERT_REQUEST,
    invitations::DELETE_REQUEST,
    invitations::LIST_REQUESTS,
];
