//! Events of likes.

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{PostId, UserId},
    wire::Channel,
};

use crate::app::{
    db::{EventSpec, Tx},
    error::Error,
    event_type::EventType,
};

pub(super) const ACTIVITY_LIKED: EventType = EventType::durable::<ActivityLiked>(
    "activity_liked",
    "Somebody likes the recipient's activity.",
);

#[derive(Serialize, JsonSchema)]
struct ActivityLiked {
    activity_id: PostId,
    user_id: UserId,
}

/// Somebody likes an activity: for its owner.
pub(super) fn activity_liked(
    tx: &mut Tx,
    (activity, owner): (PostId, UserId),
    liker: UserId,
) -> Result<(), Error> {
    tx.event(&EventSpec {
        channels: &[Channel::User(owner)],
        kind: ACTIVITY_LIKED,
        from: Some(liker),
        to: Some(owner),
        group: None,
        data: &ActivityLiked {
            activity_id: activity,
            user_id: liker,
        },
    })
}
