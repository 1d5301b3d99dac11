//! What a client hears when a constraint refuses its change: no "select, then insert" and its race.

use shared::wire::Code;

/// Constraints that callers can run into, by name. One that is missing here is a defect of ours, and is answered like one.
const MEANINGS: &[(&str, Code, &str)] = &[
    (
        "user_username_unique",
        Code::UsernameTaken,
        "somebody has this username",
    ),
    (
        "user_email_unique",
        Code::EmailTaken,
        "somebody has this email address",
    ),
];

/// The client's view of a violated constraint.
pub(super) fn meaning(constraint: &str) -> Option<(Code, &'static str)> {
    MEANINGS
        .iter()
        .find(|(name, ..)| *name == constraint)
        .map(|(_, code, detail)| (*code, *detail))
}
