//! Statements about group events, by what they are about.

pub(super) mod attendees;
pub(super) mod events;
pub(super) mod notices;

/// All of them, to be prepared in a test.
pub(super) const STATEMENTS: &[&str] = &[
    events::INSERT_EVENT,
    events::FIND_EVENT,
    events::LIST_UPCOMING,
    events::LIST_PAST,
    events::LOCK_EVENT,
    events::UPDATE_EVENT,
    events::CANCEL_EVENT,
    attendees::HOLD_EVENT,
    attendees::SET_RSVP,
    attendees::COUNT_RSVPS,
    attendees::LIST_ATTENDEES,
    notices::INSERT_NOTICE,
    notices::QUEUE_REMINDERS,
    notices::LOCK_NOTICE,
    notices::POSTPONE_NOTICE,
    notices::LIST_MEMBERS,
    notices::LIST_ATTENDING,
    notices::LIST_TO_REMIND,
    notices::MOVE_NOTICE,
    notices::DELETE_NOTICE,
    notices::FORGET_REMINDERS,
    notices::FORGET_NOTICES,
];

/// Those that delete what is of no use any more.
pub(super) const HOUSEKEEPING: &[&str] = &[notices::FORGET_REMINDERS, notices::FORGET_NOTICES];
