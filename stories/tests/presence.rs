//! Who is seen online by whom, on two nodes, whatever dies.

use std::time::Duration;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use shared::testing::Received;
use stories::{Cluster, Listener, Node, Person};
use tokio::time::{Instant, sleep};

/// The longest wait for anything: far above what is promised.
const PATIENCE: Duration = Duration::from_secs(40);
/// What stories of dead nodes need.
const QUICK: &[(&str, &str)] = &[("PRESENCE_LEASE", "3s"), ("PRESENCE_GRACE", "1s")];

async fn asks(who: &Person, api: &Node, method: Method, path: &str, body: Value) -> Value {
    let answer = who.request(api, method, path, Some(body)).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.json);
    answer.json
}

async fn befriend(cluster: &Cluster, one: &Person, other: &Person) {
    let [api_1, api_2] = &cluster.api;
    for (who, api, verb, whom) in [
        (one, api_1, "request", other),
        (other, api_2, "accept", one),
    ] {
        let path = format!("/friends/{verb}/{}", whom.id);
        asks(who, api, Method::POST, &path, json!({})).await;
    }
}

/// Ana and Bob, who are friends.
async fn friends(cluster: &Cluster) -> [Person; 2] {
    let [api_1, api_2] = &cluster.api;
    let people = tokio::join!(Person::sign_up(api_1, "ana"), Person::sign_up(api_2, "bob"));
    befriend(cluster, &people.0, &people.1).await;
    [people.0, people.1]
}

/// How somebody looks over HTTP, once that is known.
async fn looks(viewer: &Person, api: &Node, who: &Person) -> Value {
    let path = format!("/users/{}/presence", who.id);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = viewer.request(api, Method::GET, &path, None).await;
        if answer.status == StatusCode::OK {
            return answer.json;
        }
        assert_eq!(answer.json["code"], "unavailable", "{}", answer.json);
        assert!(Instant::now() < deadline, "it is never known");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until somebody looks online, or offline.
async fn until_looks(viewer: &Person, api: &Node, who: &Person, online: bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let view = looks(viewer, api, who).await;
        if view["online"] == online {
            return view;
        }
        assert!(Instant::now() < deadline, "{} is not {online}", who.name);
        sleep(Duration::from_millis(50)).await;
    }
}

/// What a frame says of this person, if it does.
fn said(frame: &Value, who: &Person) -> Option<bool> {
    let data = &frame["data"];
    match frame["type"].as_str()? {
        "user_connected" if data["user_id"] == who.id => Some(true),
        "user_disconnected" if data["user_id"] == who.id => Some(false),
        "presence_changed" => {
            let users = data["users"].as_array().expect("a list");
            let found = users.iter().rfind(|user| user["user_id"] == who.id);
            found.and_then(|user| user["online"].as_bool())
        }
        _ => None,
    }
}

/// Waits for this word about this person. Words are states: two nodes at which somebody arrives at once may both say so.
async fn hears_that(phone: &mut Listener, who: &Person, online: bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "not a word of {}", who.name);
        let Received::Frame(frame) = phone.next().await else {
            panic!("closed");
        };
        if said(&frame, who) == Some(online) {
            return;
        }
    }
}

/// Fails if anything is said of `who`. `fence`, another friend, comes to this gateway and leaves it again: what it has to say
/// about anybody who came or left before, it says before.
async fn hears_nothing_of(phone: &mut Listener, who: &Person, (fence, gateway): (&Person, &Node)) {
    let mut fence_s_phone = fence.listens(gateway).await;
    hears_first_of(phone, fence, true, who).await;
    fence_s_phone.goes_away();
    hears_first_of(phone, fence, false, who).await;
}

/// Waits for this word about one person, and fails if it hears any about the other.
async fn hears_first_of(phone: &mut Listener, one: &Person, online: bool, other: &Person) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "not a word of {}", one.name);
        let Received::Frame(frame) = phone.next().await else {
            panic!("closed");
        };
        assert_eq!(said(&frame, other), None, "{frame}");
        if let Some(heard) = said(&frame, one) {
            assert_eq!(heard, online, "{frame}");
            return;
        }
    }
}

#[tokio::test]
async fn friends_see_each_other_come_and_go_over_nodes_and_devices() {
    let cluster = Cluster::start_with(QUICK).await;
    let [ana, bob] = friends(&cluster).await;
    let ([api_1, api_2], [gateway_1, gateway_2]) = (&cluster.api, &cluster.gateway);
    let eve = Person::sign_up(api_1, "eve").await;
    let mia = Person::sign_up(api_1, "mia").await;
    for friend in [&ana, &eve] {
        befriend(&cluster, friend, &mia).await;
    }
    let mut ana_s_phone = ana.listens(gateway_1).await;
    let mut eve_s_phone = eve.listens(gateway_1).await;

    let mut bob_s_phone = bob.listens(gateway_2).await;
    hears_that(&mut ana_s_phone, &bob, true).await;
    until_looks(&ana, api_2, &bob, true).await;

    // A second device on another node, and the first one gone: nothing to tell.
    let mut bob_s_desk = bob.listens(gateway_1).await;
    bob_s_phone.goes_away();
    // A reload within the grace: nothing to tell either.
    bob_s_desk.goes_away();
    bob_s_desk.come_back(gateway_1).await;
    for gateway in [gateway_1, gateway_2] {
        hears_nothing_of(&mut ana_s_phone, &bob, (&mia, gateway)).await;
    }
    until_looks(&ana, api_1, &bob, true).await;

    let before = Instant::now();
    bob_s_desk.goes_away();
    hears_that(&mut ana_s_phone, &bob, false).await;
    assert!(before.elapsed() >= Duration::from_secs(1), "the grace");
    let view = until_looks(&ana, api_2, &bob, false).await;
    assert!(view["online"] == false);
    let deadline = Instant::now() + PATIENCE;
    while looks(&ana, api_2, &bob).await["last_seen"].is_null() {
        assert!(Instant::now() < deadline, "nobody knows when bob was seen");
        sleep(Duration::from_millis(50)).await;
    }
    // Who is no friend hears nothing of all this, and sees nothing.
    hears_nothing_of(&mut eve_s_phone, &bob, (&mia, gateway_1)).await;
    let plain = json!({"user_id": bob.id, "online": false, "last_seen": null});
    assert_eq!(looks(&eve, api_1, &bob).await, plain);
    cluster.stop().await;
}

#[tokio::test]
async fn a_question_over_a_socket_is_answered_with_a_state() {
    let cluster = Cluster::start_with(QUICK).await;
    let [ana, bob] = friends(&cluster).await;
    let ([api_1, _], [gateway_1, gateway_2]) = (&cluster.api, &cluster.gateway);
    let mut ana_s_phone = ana.listens(gateway_1).await;
    let _bob_s_phone = bob.listens(gateway_2).await;
    until_looks(&ana, api_1, &bob, true).await;
    let question = json!({"type": "presence", "user_ids": [bob.id, ana.id]});
    let answer = ana_s_phone.commands(question).await;
    let users = json!([
        {"user_id": bob.id, "online": true, "last_seen": null},
        {"user_id": ana.id, "online": true, "last_seen": null},
    ]);
    assert_eq!(answer["type"], "ack", "{answer}");
    assert_eq!(answer["data"]["users"], users);
    // Without a reference too.
    ana_s_phone
        .sends(json!({"type": "presence", "user_ids": [bob.id, ana.id]}))
        .await;
    let state = ana_s_phone.hears("presence_state").await;
    assert_eq!(state["data"]["users"], users);
    let online = ana.request(api_1, Method::GET, "/users/online", None).await;
    assert_eq!(
        online.json["items"][0]["username"], "bob",
        "{}",
        online.json
    );
    cluster.stop().await;
}

#[tokio::test]
async fn a_killed_node_s_people_go_offline_unless_they_come_back_elsewhere() {
    let mut cluster = Cluster::start_with(QUICK).await;
    let [ana, bob] = friends(&cluster).await;
    let eve = Person::sign_up(&cluster.api[0], "eve").await;
    befriend(&cluster, &ana, &eve).await;
    let mut ana_s_phone = ana.listens(&cluster.gateway[0]).await;
    let mut bob_s_phone = bob.listens(&cluster.gateway[1]).await;
    hears_that(&mut ana_s_phone, &bob, true).await;
    let _eve_s_phone = eve.listens(&cluster.gateway[1]).await;
    hears_that(&mut ana_s_phone, &eve, true).await;

    cluster.gateway[1].program.kill();
    let killed = Instant::now();
    bob_s_phone.come_back(&cluster.gateway[0]).await;
    // Bob has been online all the time.
    hears_first_of(&mut ana_s_phone, &eve, false, &bob).await;
    assert!(
        killed.elapsed() < Duration::from_secs(30),
        "{:?}",
        killed.elapsed()
    );
    let api = &cluster.api[1];
    until_looks(&ana, api, &eve, false).await;
    until_looks(&ana, api, &bob, true).await;
    let deadline = Instant::now() + PATIENCE;
    while looks(&ana, api, &eve).await["last_seen"].is_null() {
        assert!(Instant::now() < deadline, "nobody knows when eve was seen");
        sleep(Duration::from_millis(50)).await;
    }
    cluster.stop().await;
}

#[tokio::test]
async fn nobody_flickers_when_redis_restarts_empty_and_nobody_is_offline_while_it_is_away() {
    let mut cluster = Cluster::start_with(QUICK).await;
    let [ana, bob] = friends(&cluster).await;
    let mut ana_s_phone = ana.listens(&cluster.gateway[0]).await;
    let mut bob_s_phone = bob.listens(&cluster.gateway[1]).await;
    hears_that(&mut ana_s_phone, &bob, true).await;
    until_looks(&ana, &cluster.api[0], &bob, true).await;

    cluster.redis.kill();
    let path = format!("/users/{}/presence", bob.id);
    let unknown = ana.request(&cluster.api[0], Method::GET, &path, None).await;
    assert_eq!(unknown.status, StatusCode::SERVICE_UNAVAILABLE);
    cluster.redis.restart_empty().await;
    // Known again, and never offline.
    let view = looks(&ana, &cluster.api[0], &bob).await;
    assert_eq!(view["online"], true, "{view}");

    // Words may have been lost meanwhile: whoever is connected is to ask. Of Bob nothing is said.
    loop {
        let Received::Frame(frame) = ana_s_phone.next().await else {
            panic!("closed");
        };
        assert_eq!(said(&frame, &bob), None, "{frame}");
        if frame["type"] == "presence_changed" {
            assert_eq!(frame["data"]["ask"], true, "{frame}");
            assert!(frame["data"]["after_ms"].is_u64());
            break;
        }
    }
    bob_s_phone.goes_away();
    until_looks(&ana, &cluster.api[1], &bob, false).await;
    hears_that(&mut ana_s_phone, &bob, false).await;
    cluster.stop().await;
}

#[tokio::test]
async fn invisible_unfriended_and_blocked_people_go_offline_at_once() {
    let cluster = Cluster::start_with(QUICK).await;
    let [ana, bob] = friends(&cluster).await;
    let ([api_1, api_2], [gateway_1, gateway_2]) = (&cluster.api, &cluster.gateway);
    let mut ana_s_phone = ana.listens(gateway_1).await;
    let mut bob_s_phone = bob.listens(gateway_2).await;
    let mut bob_s_desk = bob.listens(gateway_1).await;
    hears_that(&mut ana_s_phone, &bob, true).await;
    let mia = Person::sign_up(api_1, "mia").await;
    befriend(&cluster, &ana, &mia).await;

    let invisible = |invisible: bool| json!({ "is_invisible": invisible });
    asks(&bob, api_2, Method::PATCH, "/users/me", invisible(true)).await;
    for device in [&mut bob_s_phone, &mut bob_s_desk] {
        let told = device.hears("invisibility_changed").await;
        assert_eq!(told["data"]["invisible"], true);
    }
    hears_that(&mut ana_s_phone, &bob, false).await;
    until_looks(&ana, api_1, &bob, false).await;
    // Coming and going is told to nobody.
    bob_s_phone.goes_away();
    bob_s_desk.goes_away();
    for gateway in [gateway_1, gateway_2] {
        hears_nothing_of(&mut ana_s_phone, &bob, (&mia, gateway)).await;
    }
    bob_s_phone.come_back(gateway_2).await;
    hears_nothing_of(&mut ana_s_phone, &bob, (&mia, gateway_2)).await;
    asks(&bob, api_2, Method::PATCH, "/users/me", invisible(false)).await;
    hears_that(&mut ana_s_phone, &bob, true).await;

    // Unfriended: both look offline to each other.
    let path = format!("/friends/{}", bob.id);
    asks(&ana, api_1, Method::DELETE, &path, json!({})).await;
    hears_that(&mut ana_s_phone, &bob, false).await;
    hears_that(&mut bob_s_phone, &ana, false).await;
    assert_eq!(looks(&ana, api_2, &bob).await["online"], false);

    // Friends again: both see each other, without anybody connecting anew.
    befriend(&cluster, &ana, &bob).await;
    hears_that(&mut ana_s_phone, &bob, true).await;
    hears_that(&mut bob_s_phone, &ana, true).await;

    let path = format!("/users/{}/block", bob.id);
    asks(&ana, api_1, Method::PUT, &path, json!({})).await;
    hears_that(&mut ana_s_phone, &bob, false).await;
    hears_that(&mut bob_s_phone, &ana, false).await;
    let plain = json!({"user_id": ana.id, "online": false, "last_seen": null});
    assert_eq!(looks(&bob, api_1, &ana).await, plain);
    cluster.stop().await;
}
