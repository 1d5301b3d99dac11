//! Telling somebody that their feed is made of other people's posts than before.

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{GroupId, UserId},
    wire::{Channel, Class},
};

use crate::app::{
    db::{NoticeSpec, Tx},
    error::Error,
    event_type::EventType,
};

pub(super) const FEED_UPDATE_AVAILABLE: EventType = EventType::notice::<FeedUpdateAvailable>(
    "feed_update_available",
    "Whom the recipient follows or is friends with has changed, and so what their feed shows.",
);

#[derive(Serialize, JsonSchema)]
struct FeedUpdateAvailable {
    kind: &'static str,
    group_id: Option<GroupId>,
}

/// People who are told one by one, where the feeds of many change at once. The others see it at the next look.
const TOLD_MAX: usize = 500;

/// As [`feed_update_available`], for many.
pub(super) fn feeds_update_available(tx: &mut Tx, people: &[UserId]) -> Result<(), Error> {
    let mut told = people.iter().take(TOLD_MAX);
    told.try_for_each(|person| feed_update_available(tx, *person))
}

/// `feed_update_available`: whom the person follows or is friends with has changed, and so what their feed shows; a notice,
/// because who is not there reads the feed anyway.
pub fn feed_update_available(tx: &mut Tx, person: UserId) -> Result<(), Error> {
    tx.notice(&NoticeSpec {
        channel: Channel::User(person),
        kind: FEED_UPDATE_AVAILABLE,
        class: Class::State,
        key: Some("feed_update_available"),
        from: None,
        to: Some(person),
        group: None,
        data: &FeedUpdateAvailable {
            kind: "following",
            group_id: None,
        },
    })
}
