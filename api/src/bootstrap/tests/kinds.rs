//! For every type of durable event: what was fetched before, and the events, make what is fetched after; and so do the
//! changes since.

use serde_json::{Value, json};

use super::{
    super::reference::{Client, State},
    meet,
};
use crate::{
    app::{
        access,
        testing::{Actor, TestApp},
    },
    features,
};

/// Every type of durable event that the code says it writes. A transaction refuses to write another one.
fn kinds() -> Vec<&'static str> {
    let features = features();
    let theirs = features.iter().flat_map(|feature| feature.events);
    let durable = theirs.chain(access::EVENTS).filter(|kind| kind.is_durable);
    durable.map(|kind| kind.name).collect()
}

#[test]
fn the_protocol_says_what_a_client_does_with_every_type() {
    let document = include_str!("../../../../docs/protocol.md");
    let (_, section) = document.split_once("## State and stream").unwrap();
    let (section, _) = section.split_once("### What was missed").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let first_cells: String = rows.filter_map(|row| row.split('|').nth(1)).collect();
    for kind in kinds() {
        assert!(first_cells.contains(&format!("`{kind}`")), "{kind}");
    }
}

#[tokio::test]
async fn state_and_events_are_the_later_state_for_every_type_of_event() {
    let app = TestApp::start().await;
    for (number, kind) in kinds().into_iter().enumerate() {
        let user = async |name: &str| app.user(&format!("{name}_{number}")).await;
        let people = People {
            app: &app,
            ana: user("ana").await,
            bob: user("bob").await,
        };
        let before = people.make(kind).await;
        let mut is_heard = false;
        for client in before {
            let actor = client.actor.clone();
            let after = State::fetch_all(&actor).await;
            let who = format!("{kind}: {}", actor.username());
            for seed in 0..3 {
                let mut hears = Client::new(&actor, client.state.clone());
                hears.hear_until(app.app(), &after, seed).await;
                hears.state.assert_is(&after, &who);
                hears.state.assert_messages(&actor).await;
                is_heard |= hears.kinds.contains(kind);
            }
            let mut polls = client;
            let after = polls.sync_to_the_end().await;
            polls.state.fetch_rest_of(&after);
            polls.state.assert_is(&after, &format!("{who} (sync)"));
            polls.state.assert_messages(&actor).await;
        }
        assert!(is_heard, "{kind} was not written");
    }
}

struct People<'a> {
    app: &'a TestApp,
    ana: Actor,
    bob: Actor,
}

impl People<'_> {
    /// Makes an event of this type happen, between people who knew everything before.
    async fn make(&self, kind: &str) -> Vec<Client> {
        let Self { ana, bob, .. } = self;
        match kind {
            "private_message" => {
                self.says("first").await;
                let clients = self.meet().await;
                self.says("second").await;
                clients
            }
            "message_read" => {
                self.says("one").await;
                let sent = self.says("two").await;
                self.says("three").await;
                let clients = self.meet().await;
                let path = format!("/conversations/{}/read", sent["conversation_id"]);
                bob.post(&path, &json!({"seq": 2})).await.ok();
                self.says("four").await;
                clients
            }
            "conversation_preferences_changed" => {
                let sent = self.says("one").await;
                let path = format!("/conversations/{}/read", sent["conversation_id"]);
                let path = path.as_str();
                let prefer = async |shown: bool| {
                    let preferences = json!({"read_receipts": shown});
                    ana.put("/conversations/preferences", &preferences)
                        .await
                        .ok();
                };
                let mut clients = self.meet().await;
                prefer(false).await;
                clients.extend(self.meet().await);
                bob.post(path, &json!({"seq": 1})).await.ok();
                prefer(true).await;
                // Bob is not told that Ana shows it again: whose marker has not moved.
                clients.retain(|client| client.actor.id() == ana.id());
                clients
            }
            "message_edited" | "message_deleted" => self.change(kind).await,
            "message_request" | "message_request_accepted" | "message_request_rejected" => {
                self.request(kind).await
            }
            "notification" | "notification_marked_read" => self.notify(kind).await,
            "follow_request" => {
                bob.patch("/users/me", &json!({"is_private": true}))
                    .await
                    .ok();
                let clients = self.meet().await;
                ana.put(&format!("/users/{}/follow", bob.id()), &json!({}))
                    .await
                    .ok();
                ana.delete(&format!("/users/{}/follow", bob.id()))
                    .await
                    .ok();
                ana.put(&format!("/users/{}/follow", bob.id()), &json!({}))
                    .await
                    .ok();
                clients
            }
            "activity_liked" => {
                let activity = json!({"activity_type": "run", "duration_minutes": 30});
                let activity = ana.post("/activities", &activity).await.ok();
                let clients = self.meet().await;
                bob.post(&format!("/activities/{}/like", activity["id"]), &json!({}))
                    .await
                    .ok();
                clients
            }
            "access_changed" | "contacts_changed" => {
                self.befriend().await;
                let clients = self.meet().await;
                ana.delete(&format!("/friends/{}", bob.id())).await.ok();
                clients
            }
            "invisibility_changed" => {
                let clients = self.meet().await;
                ana.patch("/users/me", &json!({"is_invisible": true}))
                    .await
                    .ok();
                clients
            }
            "session_revoked" => {
                let form =
                    json!({"username": ana.username(), "password": crate::app::testing::PASSWORD});
                let other = self.app.visitor().post("/auth/login", &form).await.ok();
                let clients = self.meet().await;
                let other = self.app.actor(&other);
                other.post("/auth/logout", &json!({})).await.ok();
                clients
            }
            _ => self.in_a_group(kind).await,
        }
    }

    async fn meet(&self) -> Vec<Client> {
        meet([&self.ana, &self.bob]).await
    }

    async fn says(&self, content: &str) -> Value {
        let message = json!({"to": self.bob.id(), "content": content});
        self.ana.post("/messages", &message).await.ok()
    }

    async fn befriend(&self) {
        let Self { ana, bob, .. } = self;
        ana.post(&format!("/friends/request/{}", bob.id()), &json!({}))
            .await
            .ok();
        bob.post(&format!("/friends/accept/{}", ana.id()), &json!({}))
            .await
            .ok();
    }

    async fn change(&self, kind: &str) -> Vec<Client> {
        let first = self.says("first").await;
        let last = self.says("last").await;
        let clients = self.meet().await;
        for message in [first, last] {
            let path = format!("/messages/{}", message["id"]);
            if kind == "message_edited" {
                self.ana
                    .patch(&path, &json!({"content": "better"}))
                    .await
                    .ok();
            } else {
                self.ana.delete(&path).await.ok();
            }
        }
        clients
    }

    async fn request(&self, kind: &str) -> Vec<Client> {
        let Self { ana, bob, .. } = self;
        bob.patch("/users/me", &json!({"is_private": true}))
            .await
            .ok();
        let mut clients = Vec::new();
        if kind == "message_request" {
            clients = self.meet().await;
        }
        self.says("may I?").await;
        self.says("please").await;
        if kind == "message_request" {
            return clients;
        }
        clients = self.meet().await;
        let answer = |action: &str| json!({"user_id": ana.id(), "action": action});
        bob.post("/messages/requests", &answer("reject")).await.ok();
        if kind == "message_request_accepted" {
            bob.post("/messages/requests", &answer("accept")).await.ok();
            self.says("thanks").await;
        }
        clients
    }

    /// A new one, one that is folded into it, one that asks something; then they are read or settled, in every way.
    async fn notify(&self, kind: &str) -> Vec<Client> {
        let Self { ana, bob, app } = self;
        let cyd = app.user(&format!("{}_friend", ana.username())).await;
        let post = ana.post("/posts", &json!({"content": "hello"})).await.ok();
        let like = format!("/posts/{}/like", post["id"]);
        bob.put(&like, &json!({})).await.ok();
        let mut clients = self.meet().await;
        cyd.put(&like, &json!({})).await.ok();
        bob.post(&format!("/friends/request/{}", ana.id()), &json!({}))
            .await
            .ok();
        cyd.post(&format!("/friends/request/{}", ana.id()), &json!({}))
            .await
            .ok();
        if kind == "notification" {
            return clients;
        }
        clients.extend(self.meet().await);
        let told = ana.get("/notifications").await.ok();
        let path = format!("/notifications/{}/read", told["items"][1]["id"]);
        ana.post(&path, &json!({})).await.ok();
        // Read before it is settled; settled without being read.
        ana.post(&format!("/friends/accept/{}", bob.id()), &json!({}))
            .await
            .ok();
        ana.post(&format!("/friends/reject/{}", cyd.id()), &json!({}))
            .await
            .ok();
        clients.extend(self.meet().await);
        ana.post("/notifications/read", &json!({})).await.ok();
        ana.post("/posts", &json!({"content": "more"})).await.ok();
        clients
    }

    async fn in_a_group(&self, kind: &str) -> Vec<Client> {
        let Self { ana, bob, .. } = self;
        let group = ana.post("/groups", &json!({"name": "Runners"})).await.ok();
        let id = &group["id"];
        let join = format!("/groups/{id}/join");
        let member = format!("/groups/{id}/members/{}", bob.id());
        let says = async |who: &Actor, content: &str| {
            let message = json!({"group_id": id, "content": content});
            who.post("/messages", &message).await.ok();
        };
        says(ana, "welcome").await;
        if matches!(kind, "membership_changed" | "group_invite") {
            let clients = self.meet().await;
            let invite = json!({"group_id": id, "user_id": bob.id()});
            ana.post("/groups/invite", &invite).await.ok();
            bob.post(
                &format!("/groups/{id}/invitation"),
                &json!({"action": "accept"}),
            )
            .await
            .ok();
            says(ana, "hi Bob").await;
            bob.post(&format!("/groups/{id}/leave"), &json!({})).await;
            says(ana, "where is Bob?").await;
            if kind == "membership_changed" {
                bob.post(&join, &json!({})).await.ok();
                says(bob, "here").await;
            }
            return clients;
        }
        bob.post(&join, &json!({})).await.ok();
        let event = json!({"title": "A run", "starts_at": "2035-01-01T10:00:00Z"});
        let event = ana.post(&format!("/groups/{id}/events"), &event).await.ok();
        let event = format!("/events/{}", event["id"]);
        let clients = self.meet().await;
        match kind {
            "group_message" => {
                says(ana, "hello").await;
                says(bob, "hello yourself").await;
            }
            "group_updated" => {
                let profile =
                    json!({"name": "Walkers", "description": "slower", "is_private": true});
                ana.patch(&format!("/groups/{id}"), &profile).await.ok();
            }
            "group_role_changed" => {
                ana.patch(&member, &json!({"role": "owner"})).await.ok();
            }
            "group_deleted" => {
                assert_eq!(ana.delete(&format!("/groups/{id}")).await.status, 204);
            }
            "event_created" => {
                let event = json!({"title": "Another", "starts_at": "2035-01-02T10:00:00Z", "place": "there"});
                ana.post(&format!("/groups/{id}/events"), &event).await.ok();
            }
            "event_updated" => {
                ana.patch(&event, &json!({"title": "A walk"})).await.ok();
            }
            "event_cancelled" => {
                let cancelled = ana.delete(&event).await;
                assert!(cancelled.status < 300, "{}", cancelled.json);
            }
            "event_rsvp" => {
                bob.put(&format!("{event}/rsvp"), &json!({"status": "going"}))
                    .await
                    .ok();
            }
            _ => panic!("{kind} has no case here: what does a client do with it?"),
        }
        clients
    }
}
