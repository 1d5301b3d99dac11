//! What a client does with an event.

use serde_json::{Value, json};

use super::state::{State, id};

/// What a client has to fetch, because an event speaks of something that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Conversation(i64),
    Group(i64),
}

/// Unread counts go no further.
const UNREAD_MAX: i64 = 1000;

impl State {
    /// Applies an event; `None` for a type that this client has never heard of.
    pub(super) fn apply(&mut self, kind: &str, data: &Value) -> Option<Vec<Ask>> {
        Some(match kind {
            "private_message" | "group_message" => self.message(data),
            "message_request" => self.message_request(data),
            "message_request_accepted" => self.request_accepted(data),
            "message_request_rejected" => self.request_rejected(data),
            "message_edited" | "message_deleted" => self.message_changed(data),
            "message_read" => self.message_read(data),
            "conversation_preferences_changed" => self.preferences(data),
            "notification" => self.notification(data),
            "notification_marked_read" => self.notification_read(data),
            "membership_changed" => self.membership(data),
            "group_updated" => self.group_updated(data),
            "group_role_changed" => self.role_changed(data),
            "group_deleted" => self.leave(id(data, "group_id")),
            "event_created" | "event_updated" => self.group_event(data),
            "event_cancelled" => {
                self.events.remove(&id(data, "event_id"));
                Vec::new()
            }
            "event_rsvp" => self.answered(data),
            "invisibility_changed" => {
                self.is_invisible = data["invisible"] == true;
                Vec::new()
            }
            "session_revoked" => {
                self.sessions.remove(&id(data, "session_id"));
                Vec::new()
            }
            // The state that goes with these comes by others, or is not kept: they say that something may look otherwise.
            "follow_request" | "group_invite" | "activity_liked" | "access_changed"
            | "contacts_changed" => Vec::new(),
            _ => return None,
        })
    }

    fn message(&mut self, data: &Value) -> Vec<Ask> {
        let (conversation, seq) = (id(data, "conversation_id"), id(data, "seq"));
        let message = self.keep(data);
        let is_mine = data["sender"]["id"] == self.me;
        let Some(known) = self.conversations.get_mut(&conversation) else {
            return vec![Ask::Conversation(conversation)];
        };
        if seq <= id(known, "last_seq") {
            return Vec::new();
        }
        known["last_seq"] = json!(seq);
        known["last_message"] = message;
        let is_counted = self
            .counted
            .get(&conversation)
            .is_some_and(|counted| seq <= *counted);
        if !is_mine && !is_counted {
            known["unread_count"] = json!((id(known, "unread_count") + 1).min(UNREAD_MAX));
        }
        if data["request"] == "pending" {
            known["request"] = json!("pending");
        }
        Vec::new()
    }

    /// Notes a message, as lists show it. One that is known already may have been changed since.
    fn keep(&mut self, data: &Value) -> Value {
        let key = (id(data, "conversation_id"), id(data, "seq"));
        let message = json!({
            "id": data["message_id"],
            "conversation_id": data["conversation_id"],
            "seq": data["seq"],
            "sender": data["sender"],
            "content": data["content"],
            "client_message_id": data["client_message_id"],
            "created_at": data["created_at"],
            "edited_at": data["edited_at"],
            "deleted_at": data["deleted_at"],
        });
        self.messages.entry(key).or_insert(message).clone()
    }

    fn message_request(&mut self, data: &Value) -> Vec<Ask> {
        self.keep(data);
        if data["seq"] == 1 {
            self.message_requests += 1;
        }
        Vec::new()
    }

    fn request_accepted(&mut self, data: &Value) -> Vec<Ask> {
        if data["user_id"] != self.me {
            if let Some(known) = self.conversations.get_mut(&id(data, "conversation_id")) {
                known["request"] = Value::Null;
            }
        } else if data["was_rejected"] == true {
            self.forget_messages(id(data, "conversation_id"));
        } else {
            self.message_requests -= 1;
        }
        Vec::new()
    }

    fn request_rejected(&mut self, data: &Value) -> Vec<Ask> {
        if data["user_id"] == self.me {
            self.message_requests -= 1;
        }
        Vec::new()
    }

    fn message_changed(&mut self, data: &Value) -> Vec<Ask> {
        let change = |message: &mut Value| {
            if let Some(deleted_at) = data.get("deleted_at") {
                message["deleted_at"] = deleted_at.clone();
                message["content"] = json!("");
            } else {
                message["content"] = data["content"].clone();
                message["edited_at"] = data["edited_at"].clone();
            }
        };
        let conversation = id(data, "conversation_id");
        if let Some(message) = self.messages.get_mut(&(conversation, id(data, "seq"))) {
            change(message);
        }
        let known = self.conversations.get_mut(&conversation);
        if let Some(known) = known.filter(|known| known["last_seq"] == data["seq"]) {
            change(&mut known["last_message"]);
        }
        Vec::new()
    }

    fn message_read(&mut self, data: &Value) -> Vec<Ask> {
        let conversation = id(data, "conversation_id");
        let Some(known) = self.conversations.get_mut(&conversation) else {
            return Vec::new();
        };
        if data["user_id"] != self.me {
            if known["kind"] == "direct" {
                let before = known["peer_read_seq"].as_i64().unwrap_or(0);
                known["peer_read_seq"] = json!(before.max(id(data, "seq")));
            }
            return Vec::new();
        }
        known["read_seq"] = json!(id(known, "read_seq").max(id(data, "seq")));
        // The event counts up to where its writer saw; what has come after that is here, unless the two crossed.
        let (counted, last) = (id(data, "last_seq"), id(known, "last_seq"));
        self.counted.insert(conversation, counted);
        let later: Vec<_> = (counted + 1..=last)
            .map_while(|seq| self.messages.get(&(conversation, seq)))
            .collect();
        if i64::try_from(later.len()).unwrap() < last - counted {
            return vec![Ask::Conversation(conversation)];
        }
        let of_others = later
            .iter()
            .filter(|message| message["sender"]["id"] != self.me);
        let unread = id(data, "unread_count") + i64::try_from(of_others.count()).unwrap();
        known["unread_count"] = json!(unread.min(UNREAD_MAX));
        Vec::new()
    }

    fn preferences(&mut self, data: &Value) -> Vec<Ask> {
        if data["read_receipts"] == true {
            return self
                .conversations
                .keys()
                .copied()
                .map(Ask::Conversation)
                .collect();
        }
        for known in self.conversations.values_mut() {
            known["peer_read_seq"] = Value::Null;
        }
        Vec::new()
    }

    fn notification(&mut self, data: &Value) -> Vec<Ask> {
        let notification = data["notification"].clone();
        if data["folded"] != true && notification["is_read"] == false {
            self.unread_notifications += 1;
        }
        self.notifications
            .insert(id(&notification, "id"), notification);
        Vec::new()
    }

    fn notification_read(&mut self, data: &Value) -> Vec<Ask> {
        if data["all"] == true {
            self.unread_notifications = 0;
            for notification in self.notifications.values_mut() {
                notification["is_read"] = json!(true);
            }
            return Vec::new();
        }
        if data["was_read"] != true {
            self.unread_notifications -= 1;
        }
        let known = self.notifications.get_mut(&id(data, "notification_id"));
        let Some(known) = known else {
            return Vec::new();
        };
        known["is_read"] = json!(true);
        if data["settled"] == true {
            known["data"].as_object_mut().unwrap().remove("actions");
        }
        Vec::new()
    }

    fn membership(&mut self, data: &Value) -> Vec<Ask> {
        let group = id(data, "group_id");
        let is_mine = data["user_id"] == self.me;
        if is_mine && data["change"] == "joined" {
            let since = data["since"].as_u64().unwrap();
            self.positions.insert(format!("group:{group}"), since);
            return vec![Ask::Group(group)];
        }
        if is_mine {
            return self.leave(group);
        }
        let count = &data["member_count"];
        self.change_group(group, |known| known["member_count"] = count.clone());
        Vec::new()
    }

    fn group_updated(&mut self, data: &Value) -> Vec<Ask> {
        let group = id(data, "group_id");
        self.change_group(group, |known| {
            for name in ["name", "description", "avatar", "is_private", "updated_at"] {
                // The conversation of a group shows less of it.
                if known.get(name).is_some() {
                    known[name] = data[name].clone();
                }
            }
        });
        Vec::new()
    }

    /// Changes what is shown of a group, wherever it is.
    fn change_group(&mut self, group: i64, mut change: impl FnMut(&mut Value)) {
        if let Some(known) = self.groups.get_mut(&group) {
            change(known);
        }
        let mut conversations = self.conversations.values_mut();
        if let Some(chat) = conversations.find(|known| known["group"]["id"] == group) {
            change(&mut chat["group"]);
        }
    }

    fn role_changed(&mut self, data: &Value) -> Vec<Ask> {
        if data["user_id"] == self.me
            && let Some(known) = self.groups.get_mut(&id(data, "group_id"))
        {
            known["my_role"] = data["role"].clone();
        }
        Vec::new()
    }

    pub(super) fn leave(&mut self, group: i64) -> Vec<Ask> {
        self.groups.remove(&group);
        let chats = self.conversations.values();
        let chat = chats
            .filter(|known| known["group"]["id"] == group)
            .map(|known| id(known, "id"));
        if let Some(chat) = chat.min() {
            self.forget(chat);
        }
        self.events.retain(|_, event| event["group_id"] != group);
        self.positions.remove(&format!("group:{group}"));
        Vec::new()
    }

    /// What is said and changed from now on is not heard: after another join, what was kept would be old.
    pub(super) fn forget(&mut self, conversation: i64) {
        self.conversations.remove(&conversation);
        self.forget_messages(conversation);
    }

    pub(super) fn forget_messages(&mut self, conversation: i64) {
        self.known_from.remove(&conversation);
        self.counted.remove(&conversation);
        self.messages.retain(|(of, _), _| *of != conversation);
    }

    fn group_event(&mut self, data: &Value) -> Vec<Ask> {
        let key = id(data, "event_id");
        let known = self.events.get(&key);
        let mut event = data.clone();
        event["my_rsvp"] = known.map_or(Value::Null, |known| known["my_rsvp"].clone());
        event["id"] = json!(key);
        event.as_object_mut().unwrap().remove("event_id");
        self.events.insert(key, event);
        Vec::new()
    }

    fn answered(&mut self, data: &Value) -> Vec<Ask> {
        if let Some(event) = self.events.get_mut(&id(data, "event_id")) {
            event["my_rsvp"] = data["status"].clone();
        }
        Vec::new()
    }
}
