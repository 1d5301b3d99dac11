//! Events: one that is kept, one that is not. No gateway has ever heard of either.

use api::{
    app::{
        db::{EventSpec, NoticeSpec, Tx},
        error::Error,
        event_type::EventType,
    },
    users::Person,
};
use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{PostId, UserId},
    wire::{Channel, Class},
};

use super::routes::Action;

/// All of them.
pub(super) const TYPES: &[EventType] = &[POST_SHARED, POST_ACTION];

const POST_SHARED: EventType =
    EventType::durable::<PostShared>("post_shared", "Somebody shared the recipient's post.");
const POST_ACTION: EventType = EventType::notice::<PostAction<'static>>(
    "post_action",
    "Somebody whom the recipient follows did something to a post.",
);

#[derive(Serialize, JsonSchema)]
struct PostShared {
    post_id: PostId,
    user_id: UserId,
}

/// A post was shared: for its author, on every device, also those that are away.
pub(super) fn post_shared(
    tx: &mut Tx,
    (post, author): (PostId, UserId),
    sharer: UserId,
) -> Result<(), Error> {
    tx.event(&EventSpec {
        channels: &[Channel::User(author)],
        kind: POST_SHARED,
        from: Some(sharer),
        to: Some(author),
        group: None,
        data: &PostShared {
            post_id: post,
            user_id: sharer,
        },
    })
}

#[derive(Serialize, JsonSchema)]
struct PostAction<'a> {
    post_id: PostId,
    action: &'static str,
    user: &'a Person,
}

/// Somebody whom one follows does something: for who is there at the moment.
pub(super) fn post_action(
    tx: &mut Tx,
    post: PostId,
    action: &Action,
    (actor, to): (&Person, UserId),
) -> Result<(), Error> {
    tx.notice(&NoticeSpec {
        channel: Channel::User(to),
        kind: POST_ACTION,
        class: Class::Chatter,
        key: None,
        from: Some(actor.id),
        to: Some(to),
        group: None,
        data: &PostAction {
            post_id: post,
            action: action.name(),
            user: actor,
        },
    })
}
