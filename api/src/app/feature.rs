//! What a feature brings: registered by one line in `lib.rs`.

use axum::Router;
use shared::flags::Flag;

use super::{
    App, commands::Command, event_type::EventType, jobs, notification_type::NotificationType,
    openapi::Routes,
};

/// A domain's routes, socket commands and statements.
#[derive(Default)]
pub struct Feature {
    /// The folder's name.
    pub name: &'static str,
    /// Served under `/api/v1` and `/api`, and told of in the OpenAPI document.
    pub routes: Routes,
    /// Served under `/internal`, to gateways alone.
    pub internal: Router<App>,
    /// Commands that gateways forward.
    pub commands: Vec<Command>,
    /// What it tells clients, durable or not.
    pub events: &'static [EventType],
    /// What it tells people of.
    pub notification_types: &'static [&'static NotificationType],
    /// Flags that open it, or parts of it: its routes and commands stand behind them.
    pub flags: Vec<&'static Flag>,
    /// Timed work.
    pub jobs: Vec<jobs::Start>,
    /// Every SQL statement: a test prepares them against the migrated schema.
    pub statements: &'static [&'static str],
    /// Those of them that delete what is of no use any more. One pod runs them every ten minutes, with the time as `$1`: by
    /// the app's clock, like the times that they compare it with.
    pub housekeeping: &'static [&'static str],
}
