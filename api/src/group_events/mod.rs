//! Group events: what a group meets for, who comes, and that nobody forgets.
//!
//! - Every member makes events and says whether they come; whoever made an event and the group's admins change and cancel
//!   it. To others it is not there.
//! - What the group sees changes by one event on the group's channel, however many members there are.
//! - Being *told* is a notification for each, as each wants it. A change only writes down that people are to be told
//!   (`notices`); a job tells them in batches, each in one transaction with the mark of how far it has come: whatever
//!   dies in between, everybody is told, and nobody twice.
//! - Those who come, or may, are reminded before it starts: once for each hour that it starts at. One that is moved reminds
//!   anew, unless it is moved to so soon that the word of the change is reminder enough.
//! - An answer is a member's: it ends with the membership.

mod attend;
mod change;
mod event;
mod events;
mod notices;
mod notifications;
mod queries;
mod routes;
#[cfg(test)]
mod tests;

use crate::app::{feature::Feature, jobs};

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "group_events",
        routes: routes::routes(),
        events: events::TYPES,
        notification_types: notifications::TYPES,
        jobs: vec![jobs::start::<notices::Notices>],
        statements: queries::STATEMENTS,
        housekeeping: queries::HOUSEKEEPING,
        ..Feature::default()
    }
}
