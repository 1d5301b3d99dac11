//! What a client knows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::app::testing::Actor;

/// What a client keeps of what it fetched and heard. Views are kept as they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(super) me: i64,
    pub(super) is_invisible: bool,
    pub(super) conversations: BTreeMap<i64, Value>,
    /// By conversation and `seq`: those that came by themselves.
    pub(super) messages: BTreeMap<(i64, i64), Value>,
    /// By conversation: how far it was when it was first known. Later messages are all known.
    pub(super) known_from: BTreeMap<i64, i64>,
    /// By conversation: up to where the last `message_read` of one's own counted. It may be ahead of the messages, which come on
    /// another channel where the conversation is a group's.
    pub(super) counted: BTreeMap<i64, i64>,
    pub(super) notifications: BTreeMap<i64, Value>,
    pub(super) unread_notifications: i64,
    pub(super) message_requests: i64,
    pub(super) groups: BTreeMap<i64, Value>,
    /// Of groups, by id: what does not change with who comes.
    pub(super) events: BTreeMap<i64, Value>,
    pub(super) sessions: BTreeSet<i64>,
    pub(super) positions: BTreeMap<String, u64>,
    pub(super) sync_cursor: String,
}

/// How many of the newest notifications are compared: the first page.
const NOTIFICATIONS: usize = 20;

impl State {
    /// The first screen.
    pub(crate) async fn fetch(actor: &Actor) -> Self {
        Self::read(&actor.get("/bootstrap").await.ok())
    }

    /// The first screen, and what clients fetch where they show it.
    pub(crate) async fn fetch_all(actor: &Actor) -> Self {
        let mut state = Self::fetch(actor).await;
        let sessions = actor.get("/auth/sessions").await.ok();
        state.sessions = items(&sessions)
            .iter()
            .map(|session| id(session, "id"))
            .collect();
        for group in state.groups.keys() {
            let events = actor.get(&format!("/groups/{group}/events")).await.ok();
            let events = items(&events).iter().cloned();
            state
                .events
                .extend(events.map(|event| (id(&event, "id"), without_counts(event))));
        }
        state
    }

    fn read(screen: &Value) -> Self {
        let mut state = Self {
            me: id(&screen["me"], "id"),
            is_invisible: screen["me"]["is_invisible"] == true,
            notifications: by_id(&screen["notifications"]),
            unread_notifications: id(&screen["notifications"], "unread_count"),
            message_requests: id(screen, "message_requests"),
            groups: by_id(&screen["groups"]),
            positions: positions(&screen["channels"]),
            sync_cursor: screen["sync_cursor"].as_str().unwrap().to_owned(),
            ..Self::default()
        };
        for conversation in items(&screen["conversations"]) {
            state.know(conversation.clone());
        }
        state
    }

    /// Takes over a conversation as it was fetched.
    pub(super) fn know(&mut self, conversation: Value) {
        let (key, last) = (
            id(&conversation, "id"),
            conversation["last_message"].clone(),
        );
        let seq = id(&conversation, "last_seq");
        self.known_from.entry(key).or_insert(seq);
        self.messages.insert((key, seq), last);
        self.conversations.insert(key, conversation);
    }

    /// Panics unless this is what is there, as it was fetched last, in every part that both know.
    #[track_caller]
    pub(crate) fn assert_is(&self, fetched: &Self, who: &str) {
        let same = |what: &str, mine: &Value, theirs: &Value| {
            assert_eq!(mine, theirs, "{who}: {what}, applied and fetched");
        };
        same(
            "conversations",
            &json!(self.conversations),
            &json!(fetched.conversations),
        );
        same("groups", &json!(self.groups), &json!(fetched.groups));
        same("events", &json!(self.events), &json!(fetched.events));
        same("sessions", &json!(self.sessions), &json!(fetched.sessions));
        same("notifications", &self.newest(), &fetched.newest());
        let counts = |state: &Self| {
            json!([
                state.unread_notifications,
                state.message_requests,
                state.is_invisible
            ])
        };
        same("counts", &counts(self), &counts(fetched));
        same(
            "positions",
            &json!(self.positions),
            &json!(fetched.positions),
        );
    }

    fn newest(&self) -> Value {
        let newest = self.notifications.values().rev().take(NOTIFICATIONS);
        newest.cloned().collect()
    }

    /// Takes from `other` what pages of changes do not tell of.
    pub(crate) fn fetch_rest_of(&mut self, other: &Self) {
        self.is_invisible = other.is_invisible;
        self.events.clone_from(&other.events);
        self.sessions.clone_from(&other.sessions);
    }

    /// Panics unless the messages are those of the history, and none is missing that came since it was known.
    pub(crate) async fn assert_messages(&self, actor: &Actor) {
        for (conversation, from) in &self.known_from {
            if !self.conversations.contains_key(conversation) {
                continue;
            }
            let mut known: Vec<&Value> = Vec::new();
            let mut written: Vec<Value> = Vec::new();
            let first = (*conversation, i64::MIN)..=(*conversation, i64::MAX);
            known.extend(self.messages.range(first).map(|(_, message)| message));
            let mut path = format!("/conversations/{conversation}/messages?after_seq=0&limit=100");
            loop {
                let page = actor.get(&path).await.ok();
                written.extend(items(&page).iter().cloned());
                let Some(cursor) = page["next_cursor"].as_str() else {
                    break;
                };
                path = format!("/conversations/{conversation}/messages?limit=100&cursor={cursor}");
            }
            for message in &known {
                let seq = usize::try_from(id(message, "seq")).unwrap();
                assert_eq!(**message, written[seq - 1], "{}", actor.username());
            }
            for message in written.iter().filter(|message| id(message, "seq") > *from) {
                let key = (*conversation, id(message, "seq"));
                assert!(
                    self.messages.contains_key(&key),
                    "{}: {message} is missing",
                    actor.username()
                );
            }
        }
    }
}

pub(super) fn items(page: &Value) -> &[Value] {
    page["items"].as_array().map_or(&[], Vec::as_slice)
}

#[track_caller]
pub(super) fn id(value: &Value, name: &str) -> i64 {
    let number = value[name].as_i64();
    number.unwrap_or_else(|| panic!("{name} of {value}"))
}

fn by_id(page: &Value) -> BTreeMap<i64, Value> {
    let items = items(page).iter().cloned();
    items.map(|item| (id(&item, "id"), item)).collect()
}

pub(super) fn positions(channels: &Value) -> BTreeMap<String, u64> {
    let channels = channels.as_object().unwrap().iter();
    channels
        .map(|(name, position)| (name.clone(), position["offset"].as_u64().unwrap()))
        .collect()
}

/// A group event as its facts tell of it: how many come is told by notices.
pub(super) fn without_counts(mut event: Value) -> Value {
    for count in ["going_count", "maybe_count", "no_count"] {
        event.as_object_mut().unwrap().remove(count);
    }
    event
}
