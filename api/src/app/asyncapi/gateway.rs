//! What gateways say and take themselves.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use shared::{
    presence::PresenceView,
    wire::{
        Announcement,
        said::{
            Ack, Auth, Channels, Close, LeftPost, PresenceChanged, PresenceOfOne, Reconnect,
            Refresh, Resync, RoomOfPost, SessionExpiring, Signal, Sync, Typing, TypingPlace,
            Welcome,
        },
    },
};

use crate::app::event_type::EventType;

/// Events that gateways make, in the envelope of all events.
pub(super) const EVENTS: [EventType; 7] = [
    EventType::notice::<PresenceOfOne>(
        "user_connected",
        "A friend, or somebody who follows back, is online.",
    ),
    EventType::notice::<PresenceOfOne>("user_disconnected", "One of them is online no more."),
    EventType::notice::<PresenceChanged<'static>>(
        "presence_changed",
        "Several of them, or more than can be told: then ask.",
    ),
    EventType::notice::<Typing>(
        "typing_start",
        "Somebody types; forget it after six seconds.",
    ),
    EventType::notice::<Typing>("typing_stop", "Somebody types no more."),
    EventType::notice::<serde_json::Value>(
        "signal",
        "From the other one's device, as it was sent.",
    ),
    EventType::notice::<Announcement>("broadcast", "An operator's word to everybody."),
];

/// A frame without the envelope of events: its type, when it comes, what its data is.
pub(super) struct Said {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) data: fn(&mut SchemaGenerator) -> Schema,
}

#[derive(JsonSchema)]
#[schemars(rename = "PresenceState")]
#[expect(dead_code, reason = "only its schema is of use")]
struct PresenceState {
    users: Vec<PresenceView>,
}

/// Frames that are no events.
pub(super) const FRAMES: [Said; 8] = [
    Said {
        name: "welcome",
        summary: "The first frame of every connection.",
        data: <Welcome<'static>>::json_schema,
    },
    Said {
        name: "channels",
        summary: "Channels are heard besides from now on, or are not any more.",
        data: Channels::json_schema,
    },
    Said {
        name: "resync",
        summary: "What was before these positions is to be read as state.",
        data: Resync::json_schema,
    },
    Said {
        name: "left_post",
        summary: "The connection was put out of a post's room.",
        data: LeftPost::json_schema,
    },
    Said {
        name: "presence_state",
        summary: "The answer to `presence`, besides its acknowledgement.",
        data: PresenceState::json_schema,
    },
    Said {
        name: "session_expiring",
        summary: "60 seconds before the token ends: answer with `refresh`.",
        data: SessionExpiring::json_schema,
    },
    Said {
        name: "reconnect",
        summary: "Come back after this time: the node drains, or has more than its share, or the connection is old.",
        data: Reconnect::json_schema,
    },
    Said {
        name: "close",
        summary: "Why it ends, where there is no close frame: over server-sent events and long polling.",
        data: Close::json_schema,
    },
];

/// A command that gateways answer themselves.
pub(super) struct Taken {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) fields: fn(&mut SchemaGenerator) -> Schema,
}

/// No fields of its own.
#[derive(JsonSchema)]
struct Nothing {}

/// Commands that gateways answer themselves.
pub(super) const COMMANDS: [Taken; 11] = [
    Taken {
        name: "auth",
        summary: "The first frame, where neither header nor query nor cookie said who it is. Answered by `welcome`.",
        fields: <Auth<'static>>::json_schema,
    },
    Taken {
        name: "sync",
        summary: "Replays what came after these positions.",
        fields: <Sync<'static>>::json_schema,
    },
    Taken {
        name: "ack",
        summary: "Says that everything up to these offsets has come. Voluntary: it is counted, and nothing is sent again for it.",
        fields: Ack::json_schema,
    },
    Taken {
        name: "typing_start",
        summary: "Tells the other one, or the group, that somebody types.",
        fields: TypingPlace::json_schema,
    },
    Taken {
        name: "typing_stop",
        summary: "Tells them that it is over.",
        fields: TypingPlace::json_schema,
    },
    Taken {
        name: "join_post",
        summary: "Enters a post's room. Acknowledged with how things stand.",
        fields: RoomOfPost::json_schema,
    },
    Taken {
        name: "leave_post",
        summary: "Leaves it.",
        fields: RoomOfPost::json_schema,
    },
    Taken {
        name: "signal",
        summary: "Relays data to all devices of a person with whom one has an open conversation, or is in a group.",
        fields: <Signal<'static>>::json_schema,
    },
    Taken {
        name: "broadcast",
        summary: "For admins: a word to everybody who is connected.",
        fields: Announcement::json_schema,
    },
    Taken {
        name: "refresh",
        summary: "A new access token for this connection.",
        fields: Refresh::json_schema,
    },
    Taken {
        name: "ping",
        summary: "Answered by `pong`.",
        fields: Nothing::json_schema,
    },
];
