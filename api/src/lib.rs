#![doc = include_str!("../README.md")]

pub mod app;
pub mod cli;

// The table of contents: every feature here, and in the same order below.
pub mod auth;
pub mod comments;
pub mod conversations;
pub mod feed;
pub mod follows;
pub mod likes;
pub mod messages;
pub mod notifications;
pub mod posts;
pub mod realtime;
pub mod users;

use app::feature::Feature;

/// Every feature.
pub fn features() -> Vec<Feature> {
    vec![
        auth::feature(),
        comments::feature(),
        conversations::feature(),
        feed::feature(),
        follows::feature(),
        likes::feature(),
        messages::feature(),
        notifications::feature(),
        posts::feature(),
        realtime::feature(),
        users::feature(),
    ]
}
