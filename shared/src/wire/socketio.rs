//! What clients of Socket.IO call things (SPEC §5): one table per direction, and how fields are spelled.
//!
//! Gateways translate by it, and the `AsyncAPI` document is made by it.

/// What of an event its listeners are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The data.
    Payload,
    /// Whom it is about.
    UserId,
    /// A notification by itself.
    Notification,
    /// Which notification was read; `all` for all of them.
    NotificationId,
    /// One event for each person, and what was asked for besides.
    Presence,
    /// What somebody sent, unchanged.
    AsSent,
}

/// Native name, name here, shape. Whatever is not listed keeps its name and is its data.
pub const EVENTS: [(&str, &str, Shape); 10] = [
    ("notification", "new_notification", Shape::Notification),
    (
        "notification_marked_read",
        "notification_marked_read",
        Shape::NotificationId,
    ),
    ("private_message", "new_message", Shape::Payload),
    ("group_message", "new_message", Shape::Payload),
    ("user_connected", "user_online", Shape::UserId),
    ("user_disconnected", "user_offline", Shape::UserId),
    ("presence_changed", "presence_changed", Shape::Presence),
    ("typing_start", "user_typing", Shape::Payload),
    ("typing_stop", "user_stop_typing", Shape::Payload),
    ("signal", "signal", Shape::AsSent),
];

/// What an event is called here, and what its listeners are given.
pub fn event(native: &str) -> (&str, Shape) {
    let known = EVENTS.iter().find(|(name, ..)| *name == native);
    known.map_or((native, Shape::Payload), |(_, name, shape)| (name, *shape))
}

/// An event of a client that is a command of the native protocol.
#[derive(Debug)]
pub struct Said {
    /// What it is called here.
    pub name: &'static str,
    /// What the command is called.
    pub native: &'static str,
    /// The command's field that a bare argument is.
    pub bare: &'static str,
    /// Fields that have another name there, in the command's spelling: here, there.
    pub renamed: &'static [(&'static str, &'static str)],
}

const fn said(
    name: &'static str,
    native: &'static str,
    bare: &'static str,
    renamed: &'static [(&'static str, &'static str)],
) -> Said {
    Said {
        name,
        native,
        bare,
        renamed,
    }
}

/// Whatever is not listed keeps its name, and its one argument is its fields.
pub const COMMANDS: [Said; 7] = [
    said("join_post", "join_post", "post_id", &[]),
    said("leave_post", "leave_post", "post_id", &[]),
    said("typing", "typing_start", "to", &[("receiver_id", "to")]),
    said("stop_typing", "typing_stop", "to", &[("receiver_id", "to")]),
    said("send_message", "private", "to", &[("receiver_id", "to")]),
    said(
        "send_notification",
        "send_notification",
        "user_id",
        &[("type", "notification_type")],
    ),
    said(
        "mark_notification_read",
        "mark_notification_read",
        "notification_id",
        &[],
    ),
];

/// Whether a field, in the native spelling, is an id: a number there, a text here.
pub fn is_id(key: &str) -> bool {
    key == "id" || key.ends_with("_id")
}

/// `user_id` is `userId` here.
pub fn camel_key(key: &str) -> String {
    let mut camel = String::with_capacity(key.len());
    let mut characters = key.chars().peekable();
    while let Some(character) = characters.next() {
        match characters.peek() {
            Some(next) if character == '_' && !camel.is_empty() && next.is_ascii_lowercase() => {
                camel.push(next.to_ascii_uppercase());
                characters.next();
            }
            _ => camel.push(character),
        }
    }
    camel
}

/// `userId` is `user_id` there.
pub fn snake_key(key: &str) -> String {
    let mut snake = String::with_capacity(key.len() + 4);
    for character in key.chars() {
        if character.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}
