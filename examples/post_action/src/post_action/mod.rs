//! Post actions: like, comment on or share a post, by one command.
//!
//! Whoever may see the post may act on it. The author is told, as is whoever follows the actor, is online, may see the post
//! and wants to hear of such things.

mod act;
mod events;
mod notifications;
mod routes;

use api::app::{commands::Command, feature::Feature};

/// The feature, for registration.
pub(crate) fn feature() -> Feature {
    Feature {
        name: "post_action",
        routes: routes::routes(),
        commands: vec![Command::new("post_action", routes::command)],
        events: events::TYPES,
        notification_types: notifications::TYPES,
        ..Feature::default()
    }
}
