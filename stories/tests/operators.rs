//! What operators do, on two pods and two gateways: open sockets feel it at once, and the question "why did Bo not get it?" has
//! an answer.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use stories::{Cluster, Listener, Node, Person};
use tokio::time::{Instant, sleep};

/// Far above what is promised, so that a slow machine fails no story.
const PATIENCE: Duration = Duration::from_secs(30);

async fn asks(who: &Person, api: &Node, method: Method, path: &str, body: Value) -> Value {
    let body = (method != Method::GET).then_some(body);
    let answer = who.request(api, method, path, body).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.json);
    answer.json
}

/// Asks until the answer is as it should be.
async fn sees(who: &Person, api: &Node, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = asks(who, api, Method::GET, path, Value::Null).await;
        if is_so(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{path}: {answer}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Tries until a command is answered in this way.
async fn is_answered(listener: &mut Listener, command: &Value, is_so: impl Fn(&Value) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = listener.commands(command.clone()).await;
        if is_so(&answer) {
            return;
        }
        assert!(Instant::now() < deadline, "{command}: {answer}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn admin(cluster: &Cluster) -> Person {
    let vera = Person::sign_up(&cluster.api[0], "vera").await;
    let make = ["role", "--account", "vera", "--role", "admin"];
    cluster.operator(&make).await;
    vera
}

#[tokio::test]
async fn connections_are_seen_and_ended_on_whatever_node_they_are() {
    let cluster = Cluster::start().await;
    let [api, other] = &cluster.api;
    let vera = admin(&cluster).await;
    let bob = Person::sign_up(other, "bob").await;
    let mut phone = bob.listens(&cluster.gateway[0]).await;
    let mut desk = bob.listens(&cluster.gateway[1]).await;
    let path = format!("/admin/users/{}", bob.id);
    let connections = format!("{path}/connections");
    let both = |seen: &Value| seen["items"].as_array().unwrap().len() == 2;
    let seen = sees(&vera, other, &connections, both).await;
    for (listener, node) in [(&phone, "gateway-1"), (&desk, "gateway-2")] {
        let id = &listener.welcome["data"]["connection_id"];
        let mut items = seen["items"].as_array().unwrap().iter();
        let item = items.find(|item| &item["connection_id"] == id);
        assert_eq!(item.expect("it is listed")["node"], node, "{seen}");
    }
    let id = phone.welcome["data"]["connection_id"].as_str().unwrap();
    let one = format!("{path}/disconnect?connection_id={id}");
    let told = asks(&vera, api, Method::POST, &one, json!({})).await;
    assert_eq!(told["connections"], 1);
    assert_eq!(phone.is_closed().await, 4003);
    let all = format!("{path}/disconnect");
    asks(&vera, other, Method::POST, &all, json!({})).await;
    assert_eq!(desk.is_closed().await, 4003);

    phone.come_back(&cluster.gateway[1]).await;
    let suspend = format!("{path}/suspend");
    asks(&vera, api, Method::POST, &suspend, json!({})).await;
    assert_eq!(phone.is_closed().await, 4004);
    sees(&vera, api, &connections, |seen| seen["items"] == json!([])).await;
    let acts = asks(&vera, api, Method::GET, "/admin/audit", Value::Null).await;
    let acts = acts["items"].as_array().unwrap().iter();
    let acts: Vec<_> = acts.map(|act| act["act"].as_str().unwrap()).collect();
    let disconnected = "user_disconnected";
    let expected = ["user_suspended", disconnected, disconnected, "role_changed"];
    assert_eq!(acts, expected);
    cluster.stop().await;
}

#[tokio::test]
async fn keys_are_made_and_words_are_said_from_a_terminal() {
    let cluster = Cluster::start().await;
    let [api, other] = &cluster.api;
    let vera = admin(&cluster).await;
    let shop = Person::sign_up(api, "shop").await;
    let make = ["role", "--account", "shop", "--role", "service"];
    cluster.operator(&make).await;
    let mut phone = vera.listens(&cluster.gateway[1]).await;

    let what = ["--account", "shop", "--key-name", "the till"];
    let scopes = ["--key-scopes", "publish:users,publish:broadcast"];
    let create = [&["key-create"], &what[..], &scopes].concat();
    let made = read(&cluster.operator(&create).await);
    let id = made[0]["key"]["id"].to_string();
    let holds = async |secret: &Value| {
        let token = secret.as_str().expect("a secret").to_owned();
        let (id, name) = (shop.id, shop.name.clone());
        let till = Person { id, name, token };
        let order = json!({"users": [vera.id], "type": "order_shipped", "data": {}});
        let path = "/publish";
        till.request(other, Method::POST, path, Some(order))
            .await
            .status
            == 200
    };
    assert!(holds(&made[0]["secret"]).await);
    phone.hears("order_shipped").await;
    let rotate = ["key-rotate", "--key-id", &id, "--overlap-seconds", "0"];
    let rotated = read(&cluster.operator(&rotate).await);
    assert!(!holds(&made[0]["secret"]).await);
    assert!(holds(&rotated[0]["secret"]).await);
    let listed = read(&cluster.operator(&["keys"]).await);
    assert_eq!(listed, [rotated[0]["key"].clone()]);
    cluster.operator(&["key-revoke", "--key-id", &id]).await;
    assert!(!holds(&rotated[0]["secret"]).await);

    let word = ["broadcast", "--content", "back in five minutes"];
    cluster.operator(&word).await;
    let heard = phone.hears("broadcast").await;
    assert_eq!(heard["data"]["content"], "back in five minutes");
    let turn = ["flag", "--flag", "likes", "--rules"];
    let off = [&turn[..], &[r#"{"enabled": false}"#]].concat();
    cluster.operator(&off).await;
    phone.hears("flags_changed").await;
    let is_off = |flags: &Value| flags["flags"]["likes"]["enabled"] == false;
    sees(&vera, other, "/flags", is_off).await;
    let acts = asks(&vera, api, Method::GET, "/admin/audit", Value::Null).await;
    let acts = acts["items"].as_array().unwrap().iter();
    let acts: Vec<_> = acts.map(|act| (&act["act"], &act["actor_id"])).collect();
    let of_key = ["key_revoked", "key_rotated", "key_created"];
    let expected = [&["flag_changed", "broadcast"], &of_key[..]].concat();
    let nobody = Value::Null;
    assert!(acts[..5].iter().all(|(_, actor)| **actor == nobody));
    let acts: Vec<_> = acts[..5].iter().map(|(act, _)| act.as_str()).collect();
    let expected: Vec<_> = expected.into_iter().map(Some).collect();
    assert_eq!(acts, expected);
    cluster.stop().await;
}

/// Lines of JSON.
fn read(printed: &str) -> Vec<Value> {
    let lines = printed.lines();
    let read = lines.map(|line| serde_json::from_str(line).expect("a line of JSON"));
    read.collect()
}

#[tokio::test]
async fn a_flag_is_turned_everywhere_also_when_redis_comes_back_empty() {
    let mut cluster = Cluster::start().await;
    let vera = admin(&cluster).await;
    let bob = Person::sign_up(&cluster.api[1], "bob").await;
    vera.says(&cluster.api[0], &bob, "hello").await;
    let mut sockets = [
        bob.listens(&cluster.gateway[0]).await,
        bob.listens(&cluster.gateway[1]).await,
    ];
    let typing = json!({"type": "typing_start", "to": vera.id});
    let turn = async |cluster: &Cluster, pod: usize, flag: &str, enabled: bool| {
        let path = format!("/admin/flags/{flag}");
        let rules = json!({"enabled": enabled});
        asks(&vera, &cluster.api[pod], Method::PUT, &path, rules).await;
    };
    let is_off = |answer: &Value| answer["code"] == "feature_unavailable";
    turn(&cluster, 0, "typing", false).await;
    for socket in &mut sockets {
        socket.hears("flags_changed").await;
        is_answered(socket, &typing, is_off).await;
    }
    cluster.redis.restart_empty().await;
    turn(&cluster, 1, "typing", true).await;
    for socket in &mut sockets {
        is_answered(socket, &typing, |answer| answer["type"] == "ack").await;
    }
    // Pods do not need Redis to know.
    turn(&cluster, 1, "friends", false).await;
    let deadline = Instant::now() + PATIENCE;
    let path = "/friends";
    while bob
        .request(&cluster.api[0], Method::GET, path, None)
        .await
        .status
        != 403
    {
        assert!(Instant::now() < deadline, "the other pod does not know");
        sleep(Duration::from_millis(50)).await;
    }
    cluster.stop().await;
}

#[tokio::test]
async fn why_bo_did_not_get_it_is_answered_from_commit_to_socket() {
    let cluster = Cluster::start().await;
    let [api, other] = &cluster.api;
    let vera = admin(&cluster).await;
    let bob = Person::sign_up(api, "bob").await;
    let eve = Person::sign_up(other, "eve").await;
    let shop = Person::sign_up(api, "shop").await;
    let make = ["role", "--account", "shop", "--role", "service"];
    cluster.operator(&make).await;
    let publish = async |to: &Person| {
        let order = json!({"users": [to.id], "type": "order_shipped", "data": {}, "durable": true});
        let published = asks(&shop, other, Method::POST, "/publish", order).await;
        published["event_id"].clone()
    };
    let trace = |event: &Value, about: &Person| {
        let id = about.id;
        format!("/admin/events/{event}/trace?user_id={id}")
    };
    let verdict = |expected: &'static str| move |seen: &Value| seen["about"]["verdict"] == expected;
    let mut phone = bob.listens(&cluster.gateway[0]).await;
    let mut eves = eve.listens(&cluster.gateway[1]).await;

    let untraced = publish(&eve).await;
    eves.hears("order_shipped").await;
    sees(&vera, api, &trace(&untraced, &eve), verdict("not_traced")).await;
    sees(
        &vera,
        api,
        &trace(&untraced, &bob),
        verdict("not_addressed"),
    )
    .await;

    let bob_alone = json!({"enabled": true, "percentage": 0, "allowed_users": [bob.id]});
    asks(&vera, api, Method::PUT, "/admin/flags/trace", bob_alone).await;
    // Until the gateway knows, nothing is written down.
    let deadline = Instant::now() + PATIENCE;
    let event = loop {
        let event = publish(&bob).await;
        phone.hears("order_shipped").await;
        let path = trace(&event, &bob);
        let seen = asks(&vera, other, Method::GET, &path, Value::Null).await;
        if seen["deliveries"] != json!([]) {
            break event;
        }
        assert!(Instant::now() < deadline, "{seen}");
    };
    let seen = sees(&vera, other, &trace(&event, &bob), verdict("written")).await;
    let delivery = &seen["deliveries"][0];
    assert_eq!(delivery["milestone"], "matched");
    assert_eq!(delivery["node"], "gateway-1");
    let id = &phone.welcome["data"]["connection_id"];
    assert_eq!(&delivery["connection_id"], id);
    assert_eq!(seen["type"], "order_shipped");
    assert_eq!(seen["channels"][0]["is_published"], true);

    let channel = format!("user:{}", bob.id);
    let top = phone.positions[&channel]["offset"].clone();
    let acknowledge = json!({"type": "ack", "channels": {channel: top}});
    let answer = phone.commands(acknowledge).await;
    assert_eq!(answer["type"], "ack", "{answer}");
    sees(&vera, api, &trace(&event, &bob), verdict("acknowledged")).await;
    let metrics = cluster.gateway[0].program.metrics().await;
    let acknowledged = metrics.lines().find_map(|line| {
        let count = line.strip_prefix("hubbub_deliveries_acknowledged_total ")?;
        count.parse::<f64>().ok()
    });
    assert!(acknowledged.expect("it is counted") >= 1.0);

    phone.goes_away();
    let connections = format!("/admin/users/{}/connections", bob.id);
    sees(&vera, api, &connections, |seen| seen["items"] == json!([])).await;
    let missed = publish(&bob).await;
    sees(&vera, api, &trace(&missed, &bob), verdict("no_connection")).await;
    phone.come_back(&cluster.gateway[1]).await;
    phone.hears("order_shipped").await;
    let seen = sees(&vera, api, &trace(&missed, &bob), verdict("written")).await;
    assert_eq!(seen["deliveries"][0]["node"], "gateway-2");
    let nothing = "/admin/events/4000000000000000/trace";
    let refused = vera.request(api, Method::GET, nothing, None).await;
    assert_eq!(refused.status, 404);
    cluster.stop().await;
}
