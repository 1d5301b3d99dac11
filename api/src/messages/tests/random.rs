//! Whatever ten people do at the same time in three groups and between each other: the history, what is unread, and what each
//! device hears say the same, and it is what they did.
//!
//! Each person does one thing after the other, all of them at once, through two pods. Only its author changes a message and
//! only its owner moves a marker, so that the end of it all is known without knowing the order in which it happened.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use shared::{
    ids::{GroupId, UserId},
    wire::Channel,
};

use crate::app::testing::{Actor, Ears, TestApp};

const PEOPLE: usize = 10;
const GROUPS: usize = 3;
const ACTS_OF_EACH: usize = 30;

/// A message as it should be in the end.
#[derive(Debug, Clone, PartialEq)]
struct Message {
    sender: UserId,
    content: String,
    is_deleted: bool,
}

/// Messages by conversation and number.
type Messages = BTreeMap<(i64, i64), Message>;

/// What one person has done.
#[derive(Debug, Default)]
struct Deeds {
    messages: Messages,
    ids: BTreeMap<(i64, i64), i64>,
    /// How far the person has read, by conversation.
    read: BTreeMap<i64, i64>,
}

/// Somebody who does things at random.
struct Player<'a> {
    actor: &'a Actor,
    pod: &'a TestApp,
    others: &'a [Actor],
    groups: &'a [i64],
    random: StdRng,
    deeds: Deeds,
}

impl Player<'_> {
    async fn play(mut self) -> Deeds {
        for number in 0..ACTS_OF_EACH {
            match self.random.random_range(0..10) {
                0..=4 => self.say(number).await,
                5 | 6 => self.edit(number).await,
                7 => self.delete().await,
                _ => self.read().await,
            }
        }
        self.deeds
    }

    /// Says something, now and then twice under the same name.
    async fn say(&mut self, number: usize) {
        let content = format!("{} says {number}", self.actor.username());
        let mut message = json!({"content": content, "client_message_id": format!("{number}")});
        let command = if self.random.random_bool(0.6) {
            message["group_id"] = json!(self.groups.choose(&mut self.random).unwrap());
            "group"
        } else {
            let others: Vec<&Actor> = self
                .others
                .iter()
                .filter(|a| a.id() != self.actor.id())
                .collect();
            message["to"] = json!(others.choose(&mut self.random).unwrap().id());
            "private"
        };
        let sent = self
            .pod
            .command(self.actor, command, message.clone())
            .await
            .unwrap();
        if self.random.random_bool(0.2) {
            let again = self.actor.post("/messages", &message).await.ok();
            assert_eq!(again["id"], sent["id"], "sent again, it is the first one");
        }
        let key = (number_of(&sent, "conversation_id"), number_of(&sent, "seq"));
        let message = Message {
            sender: self.actor.id(),
            content,
            is_deleted: false,
        };
        let before = self.deeds.messages.insert(key, message);
        assert_eq!(before, None, "two messages bear the same number");
        self.deeds.ids.insert(key, number_of(&sent, "id"));
    }

    fn own(&mut self) -> Option<((i64, i64), i64)> {
        let live: Vec<(i64, i64)> = self
            .deeds
            .messages
            .iter()
            .filter(|(_, message)| !message.is_deleted)
            .map(|(key, _)| *key)
            .collect();
        let key = *live.choose(&mut self.random)?;
        Some((key, self.deeds.ids[&key]))
    }

    async fn edit(&mut self, number: usize) {
        let Some((key, id)) = self.own() else { return };
        let content = format!("{} says better {number}", self.actor.username());
        let path = format!("/messages/{id}");
        self.actor
            .patch(&path, &json!({"content": content}))
            .await
            .ok();
        self.deeds.messages.get_mut(&key).unwrap().content = content;
    }

    async fn delete(&mut self) {
        let Some((key, id)) = self.own() else { return };
        self.actor.delete(&format!("/messages/{id}")).await.ok();
        let message = self.deeds.messages.get_mut(&key).unwrap();
        message.content.clear();
        message.is_deleted = true;
    }

    /// Reads up to somewhere: back, ahead, or beyond the end, which both change nothing.
    async fn read(&mut self) {
        let Some(((conversation, _), _)) = self.own() else {
            return;
        };
        let seq = self.random.random_range(-1..30);
        let read = json!({"conversation_id": conversation, "seq": seq});
        let marker = self.pod.command(self.actor, "read", read).await.unwrap();
        let at = number_of(&marker, "read_seq");
        let before = self.deeds.read.insert(conversation, at).unwrap_or(0);
        let moves = (before + 1..=number_of(&marker, "last_seq")).contains(&seq);
        assert_eq!(at, if moves { seq } else { before });
    }
}

fn number_of(value: &Value, field: &str) -> i64 {
    value[field]
        .as_i64()
        .unwrap_or_else(|| panic!("{field} in {value}"))
}

/// The history of a conversation as somebody reads it, page by page.
async fn history(reader: &Actor, conversation: i64) -> Messages {
    let start = format!("/conversations/{conversation}/messages?after_seq=0&limit=100");
    let (mut path, mut messages) = (start.clone(), Messages::new());
    loop {
        let page = reader.get(&path).await.ok();
        for item in page["items"].as_array().unwrap() {
            let key = (conversation, number_of(item, "seq"));
            assert_eq!(key.1, 1 + i64::try_from(messages.len()).unwrap(), "a hole");
            messages.insert(key, message_of(item));
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("{start}&cursor={cursor}"),
            None => return messages,
        }
    }
}

fn message_of(item: &Value) -> Message {
    Message {
        sender: serde_json::from_value(item["sender"]["id"].clone()).unwrap(),
        content: item["content"].as_str().unwrap_or_default().to_owned(),
        is_deleted: !item["deleted_at"].is_null(),
    }
}

/// What a device knows that has heard a channel from the beginning.
#[derive(Debug, Default)]
struct Device {
    messages: Messages,
    read: BTreeMap<(i64, i64), i64>,
}

impl Device {
    async fn listens(ears: &Ears, channel: Channel, head: u64) -> Self {
        let mut device = Self::default();
        for heard in ears.take(channel, head).await {
            device.hear(&heard.event.kind, heard.data());
        }
        device
    }

    fn hear(&mut self, kind: &str, data: &Value) {
        if kind == "message_read" {
            let whose = (
                number_of(data, "conversation_id"),
                number_of(data, "user_id"),
            );
            let before = self.read.insert(whose, number_of(data, "seq"));
            assert!(
                before < Some(number_of(data, "seq")),
                "markers move forward"
            );
            return;
        }
        if ![
            "private_message",
            "group_message",
            "message_edited",
            "message_deleted",
        ]
        .contains(&kind)
        {
            return;
        }
        let key = (number_of(data, "conversation_id"), number_of(data, "seq"));
        let present = self.messages.get_mut(&key);
        match (kind, present) {
            ("message_edited", Some(message)) => {
                message.content = data["content"].as_str().unwrap().to_owned();
            }
            ("message_deleted", Some(message)) => {
                message.content.clear();
                message.is_deleted = true;
            }
            ("private_message" | "group_message", None) => {
                let last = self.messages.range((key.0, 0)..(key.0, i64::MAX)).count();
                assert_eq!(
                    key.1,
                    1 + i64::try_from(last).unwrap(),
                    "in the order of seq"
                );
                self.messages.insert(key, message_of(data));
            }
            other => panic!("{other:?} of {key:?}"),
        }
    }
}

/// The world after everybody has finished.
struct World<'a> {
    app: &'a TestApp,
    other: &'a TestApp,
    messages: Messages,
}

impl World<'_> {
    fn of_conversation(&self, conversation: i64) -> Messages {
        let range = (conversation, 0)..(conversation, i64::MAX);
        let messages = self.messages.range(range);
        messages
            .map(|(key, message)| (*key, message.clone()))
            .collect()
    }

    async fn head(&self, channel: Channel) -> u64 {
        let db = self.app.app().read().await.unwrap();
        let find = "select head from channel_heads where channel = $1";
        let head: i64 = db.query_one(find, &[&channel.to_string()]).await.unwrap();
        head.try_into().unwrap()
    }

    /// What is heard in a channel, the same on both nodes.
    async fn device(&self, channel: Channel) -> Device {
        let head = self.head(channel).await;
        let here = Device::listens(self.app.ears(), channel, head).await;
        let there = Device::listens(self.other.ears(), channel, head).await;
        assert_eq!((&here.messages, &here.read), (&there.messages, &there.read));
        here
    }

    /// Compares what somebody finds over HTTP, and hears, with what was done.
    async fn check(&self, person: &Actor, deeds: &Deeds) {
        let device = self.device(person.channel()).await;
        let page = person.get("/conversations?limit=100").await.ok();
        for found in page["items"].as_array().unwrap() {
            let conversation = number_of(found, "id");
            let expected = self.of_conversation(conversation);
            assert_eq!(history(person, conversation).await, expected);
            if found["kind"] == "direct" {
                let range = (conversation, 0)..(conversation, i64::MAX);
                let heard = device.messages.range(range);
                let heard: Messages = heard
                    .map(|(key, message)| (*key, message.clone()))
                    .collect();
                assert_eq!(heard, expected, "what {} heard", person.username());
            }
            let read = deeds.read.get(&conversation).copied().unwrap_or(0);
            let unread = expected
                .iter()
                .filter(|((_, seq), message)| *seq > read && message.sender != person.id());
            assert_eq!(
                (
                    number_of(found, "read_seq"),
                    number_of(found, "unread_count")
                ),
                (read, i64::try_from(unread.count()).unwrap())
            );
            let told = device.read.get(&(conversation, person.id().get()));
            assert_eq!(told.copied().unwrap_or(0), read);
        }
    }
}

#[tokio::test]
async fn random_acts_of_ten_people_end_the_same_in_the_history_the_counts_and_every_ear() {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let app = TestApp::start().await;
    let other = app.start_another("api-2").await;
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let person = app.user(&format!("person{number}")).await;
        other.ears().join(person.channel()).await;
        people.push(person);
    }
    let mut groups = Vec::new();
    for owner in &people[..GROUPS] {
        let group = owner.post("/groups", &json!({"name": "Group"})).await.ok();
        let id = number_of(&group, "id");
        for ears in [app.ears(), other.ears()] {
            ears.join(Channel::Group(GroupId::new(id).unwrap())).await;
        }
        for person in people.iter().filter(|person| person.id() != owner.id()) {
            person
                .post(&format!("/groups/{id}/join"), &json!({}))
                .await
                .ok();
        }
        groups.push(id);
    }

    let players = people.iter().enumerate().map(|(number, actor)| Player {
        actor,
        pod: if number % 2 == 0 { &app } else { &other },
        others: &people,
        groups: &groups,
        random: StdRng::seed_from_u64(seed.wrapping_add(number as u64)),
        deeds: Deeds::default(),
    });
    let deeds = join_all(players.map(Player::play)).await;
    let mut messages = Messages::new();
    for (key, message) in deeds.iter().flat_map(|deeds| &deeds.messages) {
        let twin = messages.insert(*key, message.clone());
        assert_eq!(twin, None, "two messages bear the same number");
    }

    let world = World {
        app: &app,
        other: &other,
        messages,
    };
    for (person, deeds) in people.iter().zip(&deeds) {
        world.check(person, deeds).await;
    }
    let mut in_groups = Messages::new();
    for group in groups {
        let channel = Channel::Group(GroupId::new(group).unwrap());
        in_groups.extend(world.device(channel).await.messages);
    }
    for ((conversation, seq), message) in in_groups {
        assert_eq!(world.messages.get(&(conversation, seq)), Some(&message));
    }
}
