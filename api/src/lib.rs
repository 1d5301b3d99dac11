#![doc = include_str!("../README.md")]

pub mod app;
pub mod cli;

// The table of contents: every feature here, and in the same order below.
pub mod activities;
pub mod audit;
pub mod auth;
pub mod blocks;
pub mod bootstrap;
pub mod broadcast;
pub mod closing;
pub mod comments;
pub mod conversations;
pub mod feed;
pub mod flags;
pub mod follows;
pub mod friends;
pub mod group_events;
pub mod groups;
pub mod likes;
pub mod messages;
pub mod mutes;
pub mod notifications;
pub mod operators;
pub mod posts;
pub mod presence;
pub mod publish;
pub mod reactions;
pub mod realtime;
pub mod service_keys;
pub mod sync;
pub mod users;

#[cfg(test)]
mod tests;

use app::feature::Feature;

/// Every feature.
pub fn features() -> Vec<Feature> {
    vec![
        activities::feature(),
        audit::feature(),
        auth::feature(),
        blocks::feature(),
        bootstrap::feature(),
        broadcast::feature(),
        closing::feature(),
        comments::feature(),
        conversations::feature(),
        feed::feature(),
        flags::feature(),
        follows::feature(),
        friends::feature(),
        group_events::feature(),
        groups::feature(),
        likes::feature(),
        messages::feature(),
        mutes::feature(),
        notifications::feature(),
        operators::feature(),
        posts::feature(),
        presence::feature(),
        publish::feature(),
        reactions::feature(),
        realtime::feature(),
        service_keys::feature(),
        sync::feature(),
        users::feature(),
    ]
}
