//! Events of follows.

use serde::Serialize;
use shared::wire::Channel;

use super::Pair;
use crate::{
    app::{
        db::{EventSpec, Tx},
        error::Error,
    },
    users::Person,
};

#[derive(Serialize)]
struct FollowRequest<'a> {
    user: &'a Person,
}

/// Somebody asks to follow: the same moment as its notification, for clients that listen for it by name.
pub(super) fn follow_request(tx: &mut Tx, pair: Pair, follower: &Person) -> Result<(), Error> {
    tx.event(&EventSpec {
        channels: &[Channel::User(pair.followee)],
        kind: "follow_request",
        from: Some(pair.follower),
        to: Some(pair.followee),
        group: None,
        data: &FollowRequest { user: follower },
    })
}
