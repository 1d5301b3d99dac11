//! Events of follows.

use schemars::JsonSchema;
use serde::Serialize;
use shared::wire::Channel;

use super::Pair;
use crate::{
    app::{
        db::{EventSpec, Tx},
        error::Error,
        event_type::EventType,
    },
    users::Person,
};

pub(super) const FOLLOW_REQUEST: EventType = EventType::durable::<FollowRequest<'static>>(
    "follow_request",
    "Somebody asks to follow the recipient: the same moment as its notification.",
);

#[derive(Serialize, JsonSchema)]
struct FollowRequest<'a> {
    user: &'a Person,
}

/// Somebody asks to follow: the same moment as its notification, for clients that listen for it by name.
pub(super) fn follow_request(tx: &mut Tx, pair: Pair, follower: &Person) -> Result<(), Error> {
    tx.event(&EventSpec {
        channels: &[Channel::User(pair.followee)],
        kind: FOLLOW_REQUEST,
        from: Some(pair.follower),
        to: Some(pair.followee),
        group: None,
        data: &FollowRequest { user: follower },
    })
}
