//! Repeats that become one notification, and how it then reads.

use std::time::Duration;

use serde_json::json;

use super::NewNotification;

/// For how long after its first act a notification takes in others.
pub(super) const WINDOW: Duration = Duration::from_hours(1);

/// Makes it speak of `actor_count` people, at least two, of whom the actor is the newest.
pub(super) fn count_in(notification: &mut NewNotification<'_>, actor_name: &str, actor_count: i64) {
    if let Some(rest) = notification.message.strip_prefix(actor_name) {
        let others = match actor_count - 1 {
            1 => "1 other".to_owned(),
            others => format!("{others} others"),
        };
        notification.message = format!("{actor_name} and {others}{rest}");
    }
    if let Some(data) = notification.data.as_object_mut() {
        data.insert("actor_count".to_owned(), json!(actor_count));
    }
}
