//! Stories of presence, with the gateways' part played by the test.

use std::time::Duration;

use serde_json::{Value, json};
use shared::{
    connections::Name,
    ids::UserId,
    presence::{Attendance, ContactsAt, Presence},
    wire::Channel,
};

use crate::app::testing::{Actor, TestApp};

const LEASE: Duration = Duration::from_mins(10);

/// A gateway, as far as Redis knows.
struct Gateway {
    name: Name,
    presence: Presence,
}

impl Gateway {
    async fn start(app: &TestApp) -> Self {
        let presence = Presence::new(app.app().bus().clone());
        presence.settle().await.unwrap();
        let name = Name::random();
        presence.renew(name, LEASE, None).await.unwrap();
        Self { name, presence }
    }

    async fn attend(&self, people: &[&Actor], is_present: bool) {
        let attendances = people.iter().map(|person| Attendance {
            user_id: person.id(),
            is_present,
        });
        let attendances: Vec<Attendance> = attendances.collect();
        let node = (self.name, [].as_slice());
        self.presence.attend(node, &attendances).await.unwrap();
    }
}

impl Actor {
    async fn sees(&self, other: &Actor) -> Value {
        self.get(&format!("/users/{}/presence", other.id()))
            .await
            .ok()
    }

    async fn sees_online(&self, other: &Actor) -> bool {
        let view = self.sees(other).await;
        assert_eq!(view["user_id"], json!(other.id()));
        view["online"].as_bool().expect("yes or no")
    }

    async fn is_invisible(&self, invisible: bool) {
        let change = json!({ "is_invisible": invisible });
        let own = self.patch("/users/me", &change).await.ok();
        assert_eq!(own["is_invisible"], invisible);
    }

    /// The last word to gateways about another person being a contact of this one.
    async fn contact_is_told(&self, other: &Actor) -> bool {
        let word = self.hears("presence_contact").await;
        assert!(word.event.control);
        assert_eq!(word.data()["user_id"], json!(other.id()));
        let told = self.hears("contacts_changed").await;
        assert_eq!(*told.data(), json!({}));
        word.data()["contact"].as_bool().expect("yes or no")
    }
}

async fn report(app: &TestApp, person: &Actor, at_ms: i64) {
    let seen = json!({ "seen": [{ "user_id": person.id(), "at_ms": at_ms }] });
    app.internal("/presence/last-seen", &seen).await.ok();
}

#[tokio::test]
async fn friends_and_people_who_follow_each_other_see_who_is_online_and_nobody_else_does() {
    let app = TestApp::start().await;
    let gateway = Gateway::start(&app).await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let (eve, mia) = (app.user("eve").await, app.private_user("mia").await);
    gateway.attend(&[&ana, &bob, &eve, &mia], true).await;

    assert!(ana.sees_online(&ana).await, "oneself");
    assert!(!ana.sees_online(&bob).await, "a stranger");
    ana.follows(&bob).await;
    assert!(!ana.sees_online(&bob).await, "somebody followed");
    assert!(!bob.sees_online(&ana).await, "a follower");
    bob.follows(&ana).await;
    assert!(ana.sees_online(&bob).await && bob.sees_online(&ana).await);
    mia.follows(&ana).await;
    ana.follows(&mia).await;
    assert!(!ana.sees_online(&mia).await, "has not accepted yet");
    ana.befriends(&eve).await;
    assert!(ana.sees_online(&eve).await && eve.sees_online(&ana).await);

    // Through a socket, in the order asked, whoever they are.
    let ids = json!([eve.id(), 999_999, ana.id(), mia.id(), bob.id()]);
    let state = app.command(&ana, "presence", json!({ "user_ids": ids }));
    let state = state.await.unwrap();
    let users = state["users"].as_array().unwrap().iter();
    let users: Vec<Value> = users
        .map(|user| json!([user["user_id"], user["online"], user["last_seen"]]))
        .collect();
    let expected = json!([
        [eve.id(), true, null],
        [999_999, false, null],
        [ana.id(), true, null],
        [mia.id(), false, null],
        [bob.id(), true, null],
    ]);
    assert_eq!(Value::from(users), expected);

    ana.blocks(&bob).await;
    for (viewer, other) in [(&ana, &bob), (&bob, &ana)] {
        let view = viewer.sees(other).await;
        let plain = json!({ "user_id": other.id(), "online": false, "last_seen": null });
        assert_eq!(view, plain);
    }
    let missing = ana.get("/users/999999/presence").await;
    assert_eq!(missing.refusal(), (404, "not_found"));
    gateway.attend(&[&eve], false).await;
    assert!(!ana.sees_online(&eve).await);

    let too_many: Vec<i64> = (1..=201).collect();
    let refused = app.command(&ana, "presence", json!({ "user_ids": too_many }));
    assert_eq!(refused.await.unwrap_err()["code"], "validation_failed");
}

#[tokio::test]
async fn who_is_online_is_listed_page_by_page() {
    let app = TestApp::start().await;
    let gateway = Gateway::start(&app).await;
    let ana = app.user("ana").await;
    let mut friends = Vec::new();
    for name in ["bob", "eve", "ida", "mia", "zoe"] {
        let friend = app.user(name).await;
        ana.befriends(&friend).await;
        friends.push(friend);
    }
    let [bob, eve, ida, mia, zoe] = &friends[..] else {
        unreachable!("five");
    };
    gateway.attend(&[&ana, bob, ida, mia, zoe], true).await;
    mia.is_invisible(true).await;
    let first = ana.get("/users/online?limit=2").await.ok();
    let names = |page: &Value| {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| item["username"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&first), ["bob", "ida"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/users/online?limit=2&cursor={cursor}");
    let second = ana.get(&path).await.ok();
    assert_eq!(names(&second), ["zoe"]);
    assert_eq!(second["next_cursor"], Value::Null);
    assert_eq!(names(&eve.get("/users/online").await.ok()), ["ana"]);
}

#[tokio::test]
async fn the_last_sight_is_kept_and_never_goes_back() {
    let app = TestApp::start().await;
    let gateway = Gateway::start(&app).await;
    let (ana, bob, eve) = (
        app.user("ana").await,
        app.user("bob").await,
        app.user("eve").await,
    );
    ana.befriends(&bob).await;
    assert_eq!(ana.sees(&bob).await["last_seen"], Value::Null);
    report(&app, &bob, 1_700_000_001_500).await;
    report(&app, &bob, 1_700_000_000_000).await;
    assert_eq!(
        ana.sees(&bob).await["last_seen"],
        "2023-11-14T22:13:21.500Z"
    );
    assert_eq!(eve.sees(&bob).await["last_seen"], Value::Null, "a stranger");
    gateway.attend(&[&bob], true).await;
    assert_eq!(ana.sees(&bob).await["last_seen"], Value::Null, "is here");
    gateway.attend(&[&bob], false).await;

    // Nobody was here in the future.
    report(&app, &bob, 9_000_000_000_000).await;
    let seen = ana.sees(&bob).await["last_seen"].clone();
    assert!(seen.as_str().unwrap() < "2200", "{seen}");
    let both = json!({ "seen": [
        { "user_id": bob.id(), "at_ms": 1 },
        { "user_id": bob.id(), "at_ms": 2 },
        { "user_id": 999_999, "at_ms": 3 },
    ] });
    app.internal("/presence/last-seen", &both).await.ok();
    assert_eq!(ana.sees(&bob).await["last_seen"], seen);
}

#[tokio::test]
async fn the_invisible_look_offline_since_they_became_so() {
    let app = TestApp::start().await;
    let gateway = Gateway::start(&app).await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    ana.befriends(&bob).await;
    gateway.attend(&[&ana, &bob], true).await;

    bob.is_invisible(true).await;
    let word = bob.hears("invisibility_changed").await;
    assert!(word.event.control);
    assert_eq!(*word.data(), json!({ "invisible": true }));
    bob.is_invisible(true).await;
    assert!(!bob.unheard().contains(&"invisibility_changed".to_owned()));
    assert!(!ana.sees_online(&bob).await);
    assert!(bob.sees_online(&bob).await && bob.sees_online(&ana).await);

    let now_ms = app.app().clock().now_ms();
    report(&app, &bob, now_ms + 3_600_000).await;
    let seen = ana.sees(&bob).await["last_seen"].clone();
    let now = app.app().now().to_string();
    assert!(seen.as_str().unwrap() <= now.as_str(), "{seen}");

    // Nobody else is told that they are.
    let profile = ana.get(&format!("/users/{}", bob.id())).await.ok();
    assert_eq!(profile.get("is_invisible"), None);
    assert_eq!(bob.get("/auth/me").await.ok()["is_invisible"], true);
    bob.is_invisible(false).await;
    assert!(ana.sees_online(&bob).await);
}

#[tokio::test]
async fn unknown_is_neither_online_nor_offline() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    // Nothing is to be known of strangers, whatever Redis has.
    assert!(!ana.sees_online(&bob).await);
    ana.befriends(&bob).await;
    let unknown = ana.get(&format!("/users/{}/presence", bob.id())).await;
    assert_eq!(unknown.refusal(), (503, "unavailable"));
    assert!(unknown.headers.contains_key("retry-after"));
    let unknown = ana.get("/users/online").await;
    assert_eq!(unknown.refusal(), (503, "unavailable"));
    let ids = json!({ "user_ids": [bob.id()] });
    let unknown = app.command(&ana, "presence", ids).await;
    assert_eq!(unknown.unwrap_err()["code"], "unavailable");
}

#[tokio::test]
async fn without_postgresql_contacts_come_from_the_mirror() {
    let app = TestApp::start().await;
    let gateway = Gateway::start(&app).await;
    let (ana, bob, eve) = (
        app.user("ana").await,
        app.user("bob").await,
        app.user("eve").await,
    );
    ana.befriends(&bob).await;
    gateway.attend(&[&ana, &bob, &eve], true).await;
    let blind = app.start_another_with("api-2", |settings| {
        settings.database.url = "postgres://nobody@127.0.0.1:1/none".parse().unwrap();
    });
    let blind = blind.await;
    let asks = async || {
        let ids = json!({ "user_ids": [bob.id(), eve.id()] });
        blind.command(&ana, "presence", ids).await
    };
    assert_eq!(asks().await.unwrap_err()["code"], "unavailable");

    // As a gateway does that has to tell of them.
    mirror(&app, &[&ana, &bob]).await;
    let state = asks().await.unwrap();
    assert_eq!(state["users"][0]["online"], true);
    assert_eq!(state["users"][1]["online"], false, "a stranger");
}

async fn mirror(app: &TestApp, people: &[&Actor]) {
    use shared::presence::{ContactSource, ContactsFuture, ContactsMirror};
    struct Answers(Vec<ContactsAt>);
    impl ContactSource for Answers {
        fn contacts(&self, _: Vec<UserId>) -> ContactsFuture<'_> {
            let answers = self.0.clone();
            Box::pin(async move { Ok(answers) })
        }
    }
    let ids: Vec<UserId> = people.iter().map(|person| person.id()).collect();
    let question = json!({ "user_ids": ids });
    let answer = app.internal("/presence/contacts", &question).await.ok();
    let answers = serde_json::from_value(answer["contacts"].clone()).unwrap();
    let bus = app.app().bus().clone();
    let mirror = ContactsMirror::new(bus, std::sync::Arc::new(Answers(answers)));
    assert!(mirror.read(&ids).await.iter().all(Option::is_some));
}

#[tokio::test]
async fn gateways_are_told_who_becomes_and_ceases_to_be_a_contact() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    ana.follows(&bob).await;
    bob.follows(&ana).await;
    assert!(ana.contact_is_told(&bob).await && bob.contact_is_told(&ana).await);
    // Friends too: nothing new.
    ana.befriends(&bob).await;
    let unfollow = format!("/users/{}/follow", bob.id());
    ana.delete(&unfollow).await.ok();
    bob.hears("notification").await;
    ana.blocks(&bob).await;
    assert!(!ana.contact_is_told(&bob).await && !bob.contact_is_told(&ana).await);
    for person in [&ana, &bob] {
        let unheard = person.unheard();
        let contacts = unheard.iter().filter(|kind| kind.contains("contact"));
        assert_eq!(contacts.count(), 0, "{unheard:?}");
    }

    // Opening an account accepts whoever has asked.
    let (mia, zoe, eve) = (
        app.private_user("mia").await,
        app.user("zoe").await,
        app.user("eve").await,
    );
    mia.follows(&zoe).await;
    zoe.follows(&mia).await;
    eve.follows(&mia).await;
    mia.patch("/users/me", &json!({ "is_private": false }))
        .await
        .ok();
    assert!(mia.contact_is_told(&zoe).await && zoe.contact_is_told(&mia).await);
    assert!(!eve.unheard().contains(&"contacts_changed".to_owned()));

    let ids = json!({ "user_ids": [zoe.id(), ana.id(), 999_999] });
    let answer = app.internal("/presence/contacts", &ids).await.ok();
    let mut answers: Vec<ContactsAt> = serde_json::from_value(answer["contacts"].clone()).unwrap();
    answers.sort_by_key(|answer| answer.user_id);
    let people: Vec<_> = answers
        .iter()
        .map(|one| (one.user_id, &one.contacts.people[..]))
        .collect();
    assert_eq!(people, [(ana.id(), &[][..]), (zoe.id(), &[mia.id()])]);
    // As of the event that told of it.
    let heads = app
        .app()
        .bus()
        .heads(&[Channel::User(zoe.id())])
        .await
        .unwrap();
    assert_eq!(heads, [Some(answers[1].at)]);
}

#[tokio::test]
async fn switched_off_everybody_looks_offline() {
    let app = TestApp::start_with(|settings| settings.presence = false).await;
    let gateway = Gateway::start(&app).await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    ana.befriends(&bob).await;
    gateway.attend(&[&ana, &bob], true).await;
    assert!(!ana.sees_online(&bob).await);
    let online = ana.get("/users/online").await.ok();
    assert_eq!(online["items"], json!([]));
}
