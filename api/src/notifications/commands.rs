//! Socket commands about notifications.

use schemars::JsonSchema;
use serde::Deserialize;
use shared::ids::NotificationId;

use super::{
    read::{self, OneRead},
    send::send_notification,
};
use crate::app::{
    App,
    commands::Command,
    error::Error,
    http::{SignedIn, json::Input},
};

pub(super) fn commands() -> Vec<Command> {
    vec![
        Command::new("mark_notification_read", mark_notification_read),
        Command::new("send_notification", send_notification),
    ]
}

/// Marks a notification as read.
#[derive(Deserialize, JsonSchema)]
struct MarkNotificationRead {
    notification_id: NotificationId,
}

impl Input for MarkNotificationRead {}

async fn mark_notification_read(
    app: App,
    caller: SignedIn,
    command: MarkNotificationRead,
) -> Result<OneRead, Error> {
    read::mark_read(&app, caller.user_id, command.notification_id).await
}
