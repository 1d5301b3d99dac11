//! Groups: people who belong together, and their chat.
//!
//! - A group has one owner, any number of admins, and members. Only the owner changes roles; admins invite, answer requests
//!   and remove members. An owner who wants to leave makes somebody else the owner first, or deletes the group.
//! - A public group is joined at once; a private one by invitation or by asking. Everybody may know of a group and of how
//!   many are in it; what is inside, only members see, all of it from the beginning.
//! - Every change of members takes the lock on the group's row first. It counts up the person's version and tells the
//!   person and the group by one control event: `shared::membership` says what gateways do with it.
//! - What a group's members hear is on the channel `group:{id}`: one event and one publication, however many they are.
//! - A group that is deleted has no members; its row and its chat stay.

mod change;
mod changes;
mod chat;
mod crowd;
mod events;
mod farewell;
mod group;
mod internal;
mod invitations;
mod members;
mod membership;
mod notifications;
mod queries;
mod role;
mod routes;
#[cfg(test)]
mod tests;

pub use changes::list_changed;
pub use chat::{Chat, find_chat, require_chat};
pub use crowd::{add_crowd, gather_crowd};
pub use events::group_content_update;
pub use farewell::leave_all;
pub use group::GroupView;
pub use queries::groups::list_groups;

use crate::app::feature::Feature;

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "groups",
        routes: routes::routes(),
        internal: internal::routes(),
        events: events::TYPES,
        notification_types: notifications::TYPES,
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}
