//! What people are told, as events.

use std::sync::Arc;

use serde::Serialize;
use shared::{
    ids::UserId,
    wire::{
        Channel, Class, Ephemeral, Event,
        said::{PresenceChanged, PresenceOfOne},
    },
};

use super::fold::Telling;

/// A client that is told to ask waits for a random time up to this, so that not all ask at once.
const ASK_WITHIN_MS: u64 = 5000;

const CONNECTED: &str = "user_connected";
const DISCONNECTED: &str = "user_disconnected";
const CHANGED: &str = "presence_changed";

/// Whether an event is one of these: whoever misses it believes what was true before, until told to ask.
pub(crate) fn is_telling(event: &Event) -> bool {
    event.class == Class::State
        && event.key.is_none()
        && matches!(&*event.kind, CONNECTED | DISCONNECTED | CHANGED)
}

/// How a frame tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `user_connected` or `user_disconnected`.
    Single,
    /// `presence_changed` with a list.
    Folded,
    /// `presence_changed` that asks to ask.
    Ask,
}

/// The event for a viewer. It has no key: frames tell what has changed, so none takes the place of an earlier one.
pub(super) fn event(viewer: UserId, telling: &Telling, now_ms: i64) -> (Kind, Arc<Event>) {
    match telling {
        Telling::Changes(changes) => match changes.as_slice() {
            [change] => {
                let kind = if change.online {
                    CONNECTED
                } else {
                    DISCONNECTED
                };
                let data = PresenceOfOne {
                    user_id: change.user_id,
                    last_seen: change.last_seen,
                };
                let from = Some(change.user_id);
                (Kind::Single, build(viewer, (kind, from), &data, now_ms))
            }
            users => {
                let data = PresenceChanged {
                    users,
                    ask: false,
                    after_ms: None,
                };
                let event = build(viewer, (CHANGED, None), &data, now_ms);
                (Kind::Folded, event)
            }
        },
        Telling::Ask => {
            let data = PresenceChanged {
                users: &[],
                ask: true,
                after_ms: Some(rand::random_range(0..ASK_WITHIN_MS)),
            };
            let event = build(viewer, (CHANGED, None), &data, now_ms);
            (Kind::Ask, event)
        }
    }
}

fn build(
    viewer: UserId,
    (kind, from): (&str, Option<UserId>),
    data: &impl Serialize,
    now_ms: i64,
) -> Arc<Event> {
    let event = Ephemeral {
        channel: Channel::User(viewer),
        kind,
        class: Class::State,
        key: None,
        control: false,
        from,
        to: None,
        group: None,
        data,
    };
    let event = event.at(now_ms);
    Arc::new(event.expect("numbers, booleans and lists always serialise"))
}

#[cfg(test)]
mod tests {
    use shared::presence::{PresenceView, Seen};

    use super::*;

    #[test]
    fn one_change_has_a_name_and_several_are_a_list() {
        let user = |number| UserId::new(number).unwrap();
        let view = |number, online, last_seen| PresenceView {
            user_id: user(number),
            online,
            last_seen,
        };
        let online = view(5, true, None);
        let offline = view(6, false, Some(Seen(1000)));
        for (telling, expected) in [
            (
                Telling::Changes(vec![online]),
                r#"user_connected {"timestamp":7,"from_user_id":5,"data":{"user_id":5,"last_seen":null}}"#,
            ),
            (
                Telling::Changes(vec![offline]),
                r#"user_disconnected {"timestamp":7,"from_user_id":6,"data":{"user_id":6,"last_seen":"1970-01-01T00:00:01.000Z"}}"#,
            ),
            (
                Telling::Changes(vec![online, view(6, false, None)]),
                r#"presence_changed {"timestamp":7,"data":{"users":[{"user_id":5,"online":true,"last_seen":null},{"user_id":6,"online":false,"last_seen":null}],"ask":false}}"#,
            ),
        ] {
            let (_, event) = event(user(1), &telling, 7000);
            assert!(is_telling(&event));
            let body = std::str::from_utf8(&event.body).unwrap();
            assert_eq!(format!("{} {body}", event.kind), expected);
        }
        let (kind, event) = event(user(1), &Telling::Ask, 7000);
        assert_eq!(kind, Kind::Ask);
        let body: serde_json::Value = serde_json::from_slice(&event.body).unwrap();
        assert_eq!(body["data"]["ask"], true);
        assert!(body["data"]["after_ms"].as_u64().unwrap() < ASK_WITHIN_MS);
    }
}
