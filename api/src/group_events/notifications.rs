//! What people are told about group events.

use serde_json::json;
use shared::ids::UserId;

use super::{notices::Kind, queries::notices::Notice};
use crate::{
    app::{db::Tx, error::Error},
    notifications::{NewNotification, notify},
};

/// Tells somebody what a notice says.
pub(super) async fn tell(tx: &mut Tx, notice: &Notice, to: UserId) -> Result<(), Error> {
    let (actor, event, group) = (
        notice.actor.display_name(),
        &notice.title,
        &notice.group_name,
    );
    let (kind, title, message) = match notice.kind {
        Kind::Created => (
            "event_created",
            "New event",
            format!("{actor} planned {event} in {group}"),
        ),
        Kind::Changed => (
            "event_changed",
            "Event changed",
            format!("{actor} changed the time or place of {event}"),
        ),
        Kind::Cancelled => (
            "event_cancelled",
            "Event cancelled",
            format!("{actor} cancelled {event}"),
        ),
        Kind::Reminder => (
            "event_reminder",
            "Event reminder",
            format!("{event} starts soon"),
        ),
    };
    let notification = NewNotification {
        to,
        // A reminder is nobody's act: one's own answer reminds.
        actor: match notice.kind {
            Kind::Reminder => to,
            _ => notice.actor.id,
        },
        kind,
        title,
        message,
        related_id: Some(notice.event.get()),
        data: json!({
            "event_id": notice.event, "group_id": notice.group_id, "starts_at": notice.starts_at,
        }),
    };
    notify(tx, notification).await
}
