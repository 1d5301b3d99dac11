//! What a client holds after it applied the events is what it would fetch.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::wire::Event;

use super::sends;
use crate::app::testing::{Actor, TestApp};

/// What a client knows of messages and notifications.
#[derive(Debug, Default, PartialEq)]
struct Client {
    conversations: BTreeMap<i64, Conversation>,
    /// Number of messages, and the last one.
    requests: BTreeMap<i64, (i64, Value)>,
    notifications: BTreeMap<i64, Value>,
    unread_notifications: i64,
}

#[derive(Debug, Default, PartialEq)]
struct Conversation {
    messages: BTreeMap<i64, Value>,
    read_seq: i64,
    peer_read_seq: i64,
    unread_count: i64,
    request: Value,
}

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

fn message(given: &Value) -> Value {
    json!({
        "id": given.get("message_id").or(given.get("id")),
        "sender": given["sender"],
        "content": given["content"],
        "client_message_id": given["client_message_id"],
        "created_at": given["created_at"],
        "edited_at": given["edited_at"],
        "deleted_at": given["deleted_at"],
    })
}

fn items(page: &Value) -> impl Iterator<Item = &Value> {
    page["items"].as_array().unwrap().iter()
}

async fn fetch(me: &Actor) -> Client {
    let mut client = Client::default();
    for item in items(&me.get("/conversations").await.ok()) {
        let path = format!("/conversations/{}/messages?after_seq=0", item["id"]);
        let history = me.get(&path).await.ok();
        let messages = items(&history).map(|item| (number(&item["seq"]), message(item)));
        let conversation = Conversation {
            messages: messages.collect(),
            read_seq: number(&item["read_seq"]),
            peer_read_seq: number(&item["peer_read_seq"]),
            unread_count: number(&item["unread_count"]),
            request: item["request"].clone(),
        };
        let id = number(&item["id"]);
        client.conversations.insert(id, conversation);
    }
    for item in items(&me.get("/messages/requests").await.ok()) {
        let last = message(&item["last_message"]);
        let id = number(&item["conversation_id"]);
        let request = (number(&item["message_count"]), last);
        client.requests.insert(id, request);
    }
    let notifications = me.get("/notifications").await.ok();
    client.unread_notifications = number(&notifications["unread_count"]);
    for item in items(&notifications) {
        let id = number(&item["id"]);
        client.notifications.insert(id, item.clone());
    }
    client
}

impl Client {
    fn apply(&mut self, me: &Actor, event: &Event) {
        let body: Value = serde_json::from_slice(&event.body).unwrap();
        let data = &body["data"];
        match &*event.kind {
            "private_message" => self.add(me, data),
            "message_request" => {
                let request = (number(&data["seq"]), message(data));
                let id = number(&data["conversation_id"]);
                self.requests.insert(id, request);
            }
            "message_request_accepted" => {
                let id = number(&data["conversation_id"]);
                self.requests.remove(&id);
                if let Some(conversation) = self.conversations.get_mut(&id) {
                    conversation.request = Value::Null;
                }
            }
            "message_request_rejected" => {
                self.requests.remove(&number(&data["conversation_id"]));
            }
            "message_edited" => self.change(data, &["content", "edited_at"]),
            "message_deleted" => {
                let mut data = data.clone();
                data["content"] = json!("");
                self.change(&data, &["content", "deleted_at"]);
            }
            "message_read" => self.read(me, data),
            "notification" => {
                let notification = &data["notification"];
                let id = number(&notification["id"]);
                self.notifications.insert(id, notification.clone());
            }
            "notification_marked_read" => self.read_notifications(data),
            other => panic!("no client knows what {other} means"),
        }
        let unread = self.notifications.values();
        let unread = unread.filter(|notification| notification["is_read"] == false);
        self.unread_notifications = i64::try_from(unread.count()).unwrap();
    }

    fn add(&mut self, me: &Actor, data: &Value) {
        let id = number(&data["conversation_id"]);
        let conversation = self.conversations.entry(id).or_default();
        conversation.request = data["request"].clone();
        let seq = number(&data["seq"]);
        conversation.messages.insert(seq, message(data));
        conversation.count_unread(me);
    }

    fn change(&mut self, data: &Value, fields: &[&str]) {
        let id = number(&data["conversation_id"]);
        let conversation = self.conversations.get_mut(&id);
        let in_conversation = conversation.and_then(|conversation| {
            let seq = number(&data["seq"]);
            conversation.messages.get_mut(&seq)
        });
        let in_request = self.requests.get_mut(&id).map(|(_, last)| last);
        for message in in_conversation.into_iter().chain(in_request) {
            if message["id"] == data["message_id"] {
                for field in fields {
                    message[*field] = data[*field].clone();
                }
            }
        }
    }

    fn read(&mut self, me: &Actor, data: &Value) {
        let id = number(&data["conversation_id"]);
        let conversation = self.conversations.get_mut(&id).unwrap();
        if data["user_id"] == json!(me.id()) {
            conversation.read_seq = number(&data["seq"]);
            conversation.count_unread(me);
        } else {
            conversation.peer_read_seq = number(&data["seq"]);
        }
    }

    fn read_notifications(&mut self, data: &Value) {
        for (id, notification) in &mut self.notifications {
            if data["all"] == true || data["notification_id"] == *id {
                notification["is_read"] = json!(true);
                if data["settled"] == true {
                    let data = notification["data"].as_object_mut().unwrap();
                    data.remove("actions");
                }
            }
        }
    }
}

impl Conversation {
    fn count_unread(&mut self, me: &Actor) {
        let unread = self.messages.range(self.read_seq + 1..);
        let unread = unread.filter(|(_, message)| message["sender"]["id"] != json!(me.id()));
        self.unread_count = i64::try_from(unread.count()).unwrap();
    }
}

/// A person's client, as it was at some offset and as events have made it since.
struct Device<'a> {
    app: &'a TestApp,
    me: &'a Actor,
    client: Client,
    offset: u64,
    seen: Vec<String>,
}

impl<'a> Device<'a> {
    async fn start(app: &'a TestApp, me: &'a Actor) -> Self {
        let mut device = Self {
            app,
            me,
            client: fetch(me).await,
            offset: 0,
            seen: Vec::new(),
        };
        let before = device.missed().await;
        device.offset = before.last().and_then(Event::offset).unwrap_or(0);
        device
    }

    async fn missed(&self) -> Vec<Event> {
        let channel = self.me.channel();
        let body = json!({ "channel": channel.to_string(), "after": self.offset, "limit": 512 });
        let page = self.app.internal("/log/read", &body).await.ok();
        let records = page["records"].as_array().unwrap().iter();
        let records = records.map(|record| record.as_str().unwrap().as_bytes());
        let events = records.map(|record| Event::from_record(channel, record).unwrap());
        events.collect()
    }

    /// Applies what has come since, and compares.
    async fn agrees_after(&mut self, step: &str) {
        for event in self.missed().await {
            self.client.apply(self.me, &event);
            self.offset = event.offset().unwrap();
            self.seen.push(event.kind.to_string());
        }
        let fetched = fetch(self.me).await;
        assert_eq!(self.client, fetched, "{} after {step}", self.me.username());
    }
}

async fn first_of(me: &Actor, path: &str) -> Value {
    me.get(path).await.ok()["items"][0].clone()
}

async fn writes(from: &Actor, to: &Actor, contents: &[&str]) {
    for content in contents {
        sends(from, to, content, None).await.ok();
    }
}

async fn answers(bob: &Actor, ana: &Actor, action: &str) {
    let body = json!({ "user_id": ana.id(), "action": action });
    bob.post("/messages/requests", &body).await.ok();
}

async fn edits(author: &Actor, id: i64, content: &str) {
    let path = format!("/messages/{id}");
    let body = json!({ "content": content });
    author.patch(&path, &body).await.ok();
}

async fn reads_everything(me: &Actor) {
    let conversation = first_of(me, "/conversations").await;
    let path = format!("/conversations/{}/read", conversation["id"]);
    let body = json!({ "seq": conversation["last_seq"] });
    me.post(&path, &body).await.ok();
}

/// Does something to the messages and notifications of two people, of whom the second is private.
async fn step(ana: &Actor, bob: &Actor, name: &str) {
    match name {
        "messages of a stranger" => writes(ana, bob, &["one", "two @bob", "three"]).await,
        "an edit while it waits" => edits(ana, 3, "drei").await,
        "a deletion while it waits" => {
            ana.delete("/messages/2").await.ok();
        }
        "a rejection" => answers(bob, ana, "reject").await,
        "an edit after the rejection" => edits(ana, 3, "trois").await,
        "an acceptance" => answers(bob, ana, "accept").await,
        "an edit" => edits(ana, 3, "tres").await,
        "messages" => writes(ana, bob, &["four", "five", "hey @bob"]).await,
        "an answer" => writes(bob, ana, &["six"]).await,
        "a marker" => reads_everything(bob).await,
        "a deletion" => {
            ana.delete("/messages/1").await.ok();
        }
        "one read" => {
            let told = first_of(bob, "/notifications").await;
            let path = format!("/notifications/{}/read", told["id"]);
            bob.post(&path, &json!({})).await.ok();
        }
        "all read" => {
            bob.post("/notifications/read", &json!({})).await.ok();
        }
        other => panic!("no such step: {other}"),
    }
}

#[tokio::test]
async fn state_before_and_events_are_the_state_after_for_every_event() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    let mut devices = [
        Device::start(&app, &ana).await,
        Device::start(&app, &bob).await,
    ];
    for name in [
        "messages of a stranger",
        "an edit while it waits",
        "a deletion while it waits",
        "a rejection",
        "an edit after the rejection",
        "an acceptance",
        "an edit",
        "messages",
        "an answer",
        "a marker",
        "messages",
        "a deletion",
        "one read",
        "all read",
    ] {
        step(&ana, &bob, name).await;
        for device in &mut devices {
            device.agrees_after(name).await;
        }
    }
    let mut seen: Vec<&str> = devices[1].seen.iter().map(String::as_str).collect();
    seen.sort_unstable();
    seen.dedup();
    let every = [
        "message_deleted",
        "message_edited",
        "message_read",
        "message_request",
        "message_request_accepted",
        "message_request_rejected",
        "notification",
        "notification_marked_read",
        "private_message",
    ];
    assert_eq!(seen, every);
}
