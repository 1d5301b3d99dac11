//! What people are told about group events.

use serde_json::json;
use shared::ids::UserId;

use super::{notices::Kind, queries::notices::Notice};
use crate::{
    app::{
        db::Tx,
        error::Error,
        notification_type::{Folding, NotificationType},
    },
    notifications::{NewNotification, notify},
};

/// What this feature tells people of.
pub(super) static TYPES: &[&NotificationType] = &[
    &EVENT_CREATED,
    &EVENT_CHANGED,
    &EVENT_CANCELLED,
    &EVENT_REMINDER,
];

static EVENT_CREATED: NotificationType = NotificationType::new("event_created", "New event");

static EVENT_CHANGED: NotificationType = NotificationType::new("event_changed", "Event changed")
    .folded(Folding::Acts)
    .asked_for();

static EVENT_CANCELLED: NotificationType =
    NotificationType::new("event_cancelled", "Event cancelled").asked_for();

static EVENT_REMINDER: NotificationType = NotificationType::new("event_reminder", "Event reminder")
    .asked_for()
    .of_own_acts();

/// Tells somebody what a notice says.
pub(super) async fn tell(tx: &mut Tx, notice: &Notice, to: UserId) -> Result<(), Error> {
    let (actor, event, group) = (
        notice.actor.display_name(),
        &notice.title,
        &notice.group_name,
    );
    let (kind, message) = match notice.kind {
        Kind::Created => (
            &EVENT_CREATED,
            format!("{actor} planned {event} in {group}"),
        ),
        Kind::Changed => (
            &EVENT_CHANGED,
            format!("{actor} changed the time or place of {event}"),
        ),
        Kind::Cancelled => (&EVENT_CANCELLED, format!("{actor} cancelled {event}")),
        Kind::Reminder => (&EVENT_REMINDER, format!("{event} starts soon")),
    };
    let notification = NewNotification {
        to,
        // A reminder is nobody's act: one's own answer reminds.
        actor: match notice.kind {
            Kind::Reminder => to,
            _ => notice.actor.id,
        },
        kind,
        message,
        related_id: Some(notice.event.get()),
        data: json!({
            "event_id": notice.event, "group_id": notice.group_id, "starts_at": notice.starts_at,
        }),
    };
    notify(tx, notification).await
}
