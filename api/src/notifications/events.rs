//! Events about notifications, all of them for the recipient's devices alone.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use shared::{
    ids::{NotificationId, UserId},
    wire::Channel,
};

use super::queries::NotificationView;
use crate::app::{
    db::{EventSpec, Tx},
    error::Error,
    event_type::EventType,
};

pub(super) const NOTIFICATION: EventType = EventType::durable::<Told<'static>>(
    "notification",
    "The recipient is told something. One whose id is known takes the place of the earlier one.",
);
pub(super) const MARKED_READ: EventType = EventType::durable::<MarkedRead>(
    "notification_marked_read",
    "The recipient has read one or all of their notifications, on whatever device.",
);

#[derive(Serialize, JsonSchema)]
struct Told<'a> {
    subtype: &'a str,
    user_id: UserId,
    user_name: &'a str,
    message: &'a str,
    notification: &'a NotificationView,
    additional_data: &'a Value,
    /// The recipient's quiet hours: to be shown, not to ring.
    #[serde(skip_serializing_if = "is_false")]
    quiet: bool,
    /// It took the place of an earlier one, which was counted as unread already.
    #[serde(skip_serializing_if = "is_false")]
    folded: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !value
}

/// How somebody is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) quiet: bool,
    pub(super) folded: bool,
}

/// `notification`: somebody is told something. One with an id that clients know takes the earlier one's place.
pub(super) fn notification(
    tx: &mut Tx,
    to: UserId,
    notification: &NotificationView,
    Manner { quiet, folded }: Manner,
) -> Result<(), Error> {
    let actor = &notification.actor;
    tx.event(&EventSpec {
        channels: &[Channel::User(to)],
        kind: NOTIFICATION,
        from: Some(actor.id),
        to: Some(to),
        group: None,
        data: &Told {
            subtype: &notification.kind,
            user_id: actor.id,
            user_name: &actor.name,
            message: &notification.message,
            notification,
            additional_data: &notification.data,
            quiet,
            folded,
        },
    })
}

/// Which notifications were read.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum MarkedRead {
    One {
        notification_id: NotificationId,
        /// It asks nothing any more: `actions` are gone from its data.
        #[serde(rename = "settled", skip_serializing_if = "is_false")]
        is_settled: bool,
        /// It did not count as unread: it was read before, or kept aside.
        #[serde(skip_serializing_if = "is_false")]
        was_read: bool,
    },
    All {
        all: bool,
    },
}

/// `notification_marked_read`: the recipient has read one or all of those that were told before this event.
pub(super) fn marked_read(tx: &mut Tx, user: UserId, read: &MarkedRead) -> Result<(), Error> {
    tx.event(&EventSpec {
        channels: &[Channel::User(user)],
        kind: MARKED_READ,
        from: Some(user),
        to: Some(user),
        group: None,
        data: read,
    })
}
