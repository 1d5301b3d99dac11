//! Events of likes.

use serde::Serialize;
use shared::{
    ids::{PostId, UserId},
    wire::Channel,
};

use crate::app::{
    db::{EventSpec, Tx},
    error::Error,
};

#[derive(Serialize)]
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
        kind: "activity_liked",
        from: Some(liker),
        to: Some(owner),
        group: None,
        data: &ActivityLiked {
            activity_id: activity,
            user_id: liker,
        },
    })
}
