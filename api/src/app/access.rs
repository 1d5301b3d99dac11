//! Telling gateways that rights have changed, in the transaction that changes them, so that what was open under them does
//! not stay open.
//!
//! Where those whom it takes something from are known, the word is a durable event on their own channels; where they are
//! whoever looks, it is a message to all gateways, which then ask again (`docs/decisions/0007-rooms-stay-authorised.md`).
//!
//! Changes of a membership are told by `membership_changed` and `group_deleted`, the end of a session by
//! `session_revoked`; this is for all others.

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{PostId, UserId},
    wire::{Channel, Class, Ephemeral, kind},
};

use super::{
    db::{EventSpec, Tx},
    error::Error,
    event_type::EventType,
};

/// What is told here.
pub const EVENTS: &[EventType] = &[ACCESS_CHANGED];

const ACCESS_CHANGED: EventType = EventType::durable::<Nothing>(
    kind::ACCESS_CHANGED,
    "What the recipient may see or do has changed, by a block, a friendship or a follow: read anew what is kept of others.",
);

#[derive(Serialize, JsonSchema)]
struct Nothing {}

/// What these people may see or do is not what it was: between them, or for one of them. It says neither what nor with
/// whom, because each of them hears it.
pub fn access_changed(tx: &mut Tx, people: &[UserId]) -> Result<(), Error> {
    let channels: Vec<Channel> = people.iter().copied().map(Channel::User).collect();
    tx.control_event(&EventSpec {
        channels: &channels,
        kind: ACCESS_CHANGED,
        from: None,
        to: None,
        group: None,
        data: &Nothing {},
    })
}

#[derive(Serialize)]
struct AccountChanged {
    user_id: UserId,
}

/// An account shows less than before, to whomever: it has become private, or was suspended or deleted.
pub fn account_changed(tx: &mut Tx, account: UserId) -> Result<(), Error> {
    tell_gateways(
        tx,
        (Channel::Broadcast, kind::ACCOUNT_CHANGED),
        &AccountChanged { user_id: account },
    )
}

#[derive(Serialize)]
struct PostDeleted {
    post_id: PostId,
}

/// A post is there no more.
pub fn post_deleted(tx: &mut Tx, post: PostId) -> Result<(), Error> {
    tell_gateways(
        tx,
        (Channel::Post(post), kind::POST_DELETED),
        &PostDeleted { post_id: post },
    )
}

fn tell_gateways<T: Serialize>(
    tx: &mut Tx,
    (channel, kind): (Channel, &'static str),
    data: &T,
) -> Result<(), Error> {
    tx.ephemeral(&Ephemeral {
        channel,
        kind,
        class: Class::State,
        key: None,
        control: true,
        from: None,
        to: None,
        group: None,
        data,
    })
}
