//! Groups on two nodes: who hears what, from which moment on.

use hyper::Method;
use serde_json::{Value, json};
use stories::{Cluster, Listener, Node, Person};

async fn people(cluster: &Cluster) -> [Person; 3] {
    let [api_1, api_2] = &cluster.api;
    let (ana, bob, eve) = tokio::join!(
        Person::sign_up(api_1, "ana"),
        Person::sign_up(api_2, "bob"),
        Person::sign_up(api_1, "eve")
    );
    [ana, bob, eve]
}

async fn asks(who: &Person, api: &Node, method: Method, path: &str, body: Value) -> Value {
    let answer = who.request(api, method, path, Some(body)).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.json);
    answer.json
}

async fn makes_group(who: &Person, api: &Node) -> Value {
    let group = json!({"name": "Runners"});
    asks(who, api, Method::POST, "/groups", group).await["id"].clone()
}

async fn joins(who: &Person, api: &Node, group: &Value) {
    let path = format!("/groups/{group}/join");
    asks(who, api, Method::POST, &path, json!({})).await;
}

async fn says(who: &Person, api: &Node, group: &Value, content: &str) {
    let message = json!({"group_id": group, "content": content});
    asks(who, api, Method::POST, "/messages", message).await;
}

async fn hears_said(phone: &mut Listener, content: &str) {
    let heard = phone.hears("group_message").await;
    assert_eq!(heard["data"]["content"], content, "{heard}");
}

/// Everything up to the direct message `fence` and its kind.
async fn kinds_until(phone: &mut Listener, fence: &str) -> Vec<String> {
    let mut kinds = Vec::new();
    loop {
        let shared::testing::Received::Frame(frame) = phone.next().await else {
            panic!("closed");
        };
        if frame["data"]["content"] == fence {
            return kinds;
        }
        kinds.push(frame["type"].as_str().expect("a type").to_owned());
    }
}

#[tokio::test]
async fn who_joins_hears_at_once_and_who_is_removed_hears_nothing_more() {
    let cluster = Cluster::start().await;
    let [ana, bob, eve] = people(&cluster).await;
    let ([api_1, api_2], [gateway_1, gateway_2]) = (&cluster.api, &cluster.gateway);
    let group = makes_group(&ana, api_1).await;
    joins(&eve, api_2, &group).await;
    let mut eve_s_phone = eve.listens(gateway_2).await;
    let mut bob_s_phone = bob.listens(gateway_1).await;
    let mut bob_s_desk = bob.listens(gateway_2).await;
    let channel = format!("group:{group}");
    assert!(eve_s_phone.positions.contains_key(&channel));
    assert!(!bob_s_phone.positions.contains_key(&channel));

    // Nobody connects anew from here on.
    joins(&bob, api_2, &group).await;
    for (number, api) in [(1, api_1), (2, api_2)] {
        let content = format!("hello {number}");
        says(&ana, api, &group, &content).await;
        for phone in [&mut bob_s_phone, &mut bob_s_desk, &mut eve_s_phone] {
            hears_said(phone, &content).await;
        }
    }

    let path = format!("/groups/{group}/members/{}", bob.id);
    asks(&ana, api_1, Method::DELETE, &path, json!({})).await;
    for (round, api) in [(1, api_1), (2, api_2), (3, api_1)] {
        let content = format!("without bob {round}");
        says(&ana, api, &group, &content).await;
        hears_said(&mut eve_s_phone, &content).await;
    }
    ana.says(api_2, &bob, "fence").await;
    for phone in [&mut bob_s_phone, &mut bob_s_desk] {
        let kinds = kinds_until(phone, "fence").await;
        assert!(
            kinds.contains(&"membership_changed".to_owned()),
            "{kinds:?}"
        );
        assert!(!kinds.contains(&"group_message".to_owned()), "{kinds:?}");
        assert!(
            !phone.positions.contains_key(&channel),
            "told that it is over"
        );
    }
    let refused = bob_s_phone
        .commands(json!({"type": "group", "group_id": group, "content": "let me in"}))
        .await;
    assert_eq!(refused["code"], "not_a_member", "{refused}");

    joins(&bob, api_1, &group).await;
    says(&ana, api_2, &group, "welcome back").await;
    for phone in [&mut bob_s_phone, &mut bob_s_desk] {
        hears_said(phone, "welcome back").await;
    }
    let ack = bob_s_desk
        .commands(json!({"type": "group", "group_id": group, "content": "thanks"}))
        .await;
    assert_eq!(ack["type"], "ack", "{ack}");
    hears_said(&mut eve_s_phone, "welcome back").await;
    hears_said(&mut eve_s_phone, "thanks").await;
    cluster.stop().await;
}

#[tokio::test]
async fn who_was_away_hears_what_was_said_in_the_groups_and_in_those_joined_meanwhile() {
    let cluster = Cluster::start().await;
    let [ana, bob, _] = people(&cluster).await;
    let ([api_1, api_2], [gateway_1, gateway_2]) = (&cluster.api, &cluster.gateway);
    let old = makes_group(&ana, api_1).await;
    let left = makes_group(&ana, api_1).await;
    joins(&bob, api_1, &old).await;
    joins(&bob, api_1, &left).await;
    let mut phone = bob.listens(gateway_1).await;
    assert_eq!(phone.positions.len(), 3, "{:?}", phone.positions);

    phone.goes_away();
    says(&ana, api_1, &old, "in the old one").await;
    let new = makes_group(&ana, api_2).await;
    joins(&bob, api_2, &new).await;
    says(&ana, api_2, &new, "in the new one").await;
    asks(
        &bob,
        api_2,
        Method::POST,
        &format!("/groups/{left}/leave"),
        json!({}),
    )
    .await;
    says(&ana, api_1, &left, "without bob").await;

    phone.come_back(gateway_2).await;
    let channels = &phone.welcome["data"]["channels"];
    assert_eq!(
        channels[format!("group:{old}")]["recovered"],
        true,
        "{channels}"
    );
    assert!(
        channels[format!("group:{left}")].is_null(),
        "permissions are checked anew"
    );
    ana.says(api_1, &bob, "fence").await;
    let mut heard = Vec::new();
    while heard.len() < 3 {
        let shared::testing::Received::Frame(frame) = phone.next().await else {
            panic!("closed");
        };
        if let Some(content) = frame["data"]["content"].as_str() {
            heard.push(content.to_owned());
        }
    }
    heard.sort();
    assert_eq!(heard, ["fence", "in the new one", "in the old one"]);
    cluster.stop().await;
}

#[tokio::test]
async fn a_redis_that_forgets_everything_costs_nobody_a_group() {
    let mut cluster = Cluster::start().await;
    let [ana, bob, eve] = people(&cluster).await;
    let group = makes_group(&ana, &cluster.api[0]).await;
    joins(&bob, &cluster.api[0], &group).await;
    let mut phone = bob.listens(&cluster.gateway[0]).await;
    says(&ana, &cluster.api[0], &group, "before").await;
    hears_said(&mut phone, "before").await;

    cluster.redis.restart_empty().await;
    joins(&eve, &cluster.api[1], &group).await;
    let mut eve_s_phone = eve.listens(&cluster.gateway[1]).await;
    says(&ana, &cluster.api[1], &group, "after").await;
    hears_said(&mut phone, "after").await;
    hears_said(&mut eve_s_phone, "after").await;
    cluster.stop().await;
}
