//! A page is loaded, things happen, its socket connects: nothing falls in between.

use hyper::Method;
use serde_json::{Map, Value, json};
use shared::testing::Received;
use stories::{Cluster, Listener, Node, Person};

async fn asks(who: &Person, api: &Node, method: Method, path: &str, body: Option<Value>) -> Value {
    let answer = who.request(api, method, path, body).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.json);
    answer.json
}

async fn bootstrap(who: &Person, api: &Node) -> Value {
    asks(who, api, Method::GET, "/bootstrap", None).await
}

fn positions(screen: &Value) -> Map<String, Value> {
    screen["channels"].as_object().expect("channels").clone()
}

async fn says(who: &Person, api: &Node, group: &Value, content: &str) {
    let message = json!({"group_id": group, "content": content});
    asks(who, api, Method::POST, "/messages", Some(message)).await;
}

async fn makes_group(who: &Person, api: &Node) -> Value {
    let group = Some(json!({"name": "Runners"}));
    asks(who, api, Method::POST, "/groups", group).await["id"].clone()
}

async fn joins(who: &Person, api: &Node, group: &Value) {
    let path = format!("/groups/{group}/join");
    asks(who, api, Method::POST, &path, Some(json!({}))).await;
}

/// What messages say, in the order in which they come, up to and including `last`.
async fn hears_until(phone: &mut Listener, last: &str) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.last().is_none_or(|content| content != last) {
        match phone.next().await {
            Received::Frame(frame) => {
                let kind = frame["type"].as_str().unwrap_or_default();
                if matches!(kind, "private_message" | "group_message") {
                    let content = frame["data"]["content"].as_str();
                    heard.push(content.expect("a content").to_owned());
                }
            }
            Received::Closed(code, reason) => panic!("closed with {code} {reason}"),
        }
    }
    heard
}

#[tokio::test]
async fn a_socket_that_starts_from_the_first_screen_hears_exactly_what_came_after_it() {
    let cluster = Cluster::start().await;
    let [api_1, api_2] = &cluster.api;
    let (ana, bob) = tokio::join!(Person::sign_up(api_1, "ana"), Person::sign_up(api_2, "bob"));
    let group = makes_group(&ana, api_1).await;
    joins(&bob, api_2, &group).await;
    ana.says(api_1, &bob, "before").await;

    let screen = bootstrap(&bob, api_2).await;
    assert_eq!(
        screen["conversations"]["items"][0]["last_message"]["content"],
        "before"
    );
    let of_group = format!("group:{group}");
    assert!(
        screen["channels"][&of_group]["offset"].is_u64(),
        "{}",
        screen["channels"]
    );

    ana.says(api_1, &bob, "in between").await;
    says(&ana, api_2, &group, "in the group, in between").await;
    let later = makes_group(&ana, api_1).await;
    joins(&bob, api_1, &later).await;
    says(&ana, api_1, &later, "in a new group").await;

    let mut phone = bob
        .listens_from(&cluster.gateway[1], positions(&screen))
        .await;
    let channels = &phone.welcome["data"]["channels"];
    for (name, position) in channels.as_object().expect("channels") {
        assert_eq!(position["recovered"], true, "{name}: {position}");
    }
    assert_eq!(
        channels[&of_group]["offset"],
        screen["channels"][&of_group]["offset"]
    );
    ana.says(api_2, &bob, "afterwards").await;
    let mut heard = hears_until(&mut phone, "afterwards").await;
    heard.sort();
    let expected = [
        "afterwards",
        "in a new group",
        "in between",
        "in the group, in between",
    ];
    assert_eq!(heard, expected);
    cluster.stop().await;
}

#[tokio::test]
async fn what_a_page_missed_is_read_on_any_pod_and_streamed_on_from_there() {
    let cluster = Cluster::start().await;
    let [api_1, api_2] = &cluster.api;
    let (ana, bob) = tokio::join!(Person::sign_up(api_1, "ana"), Person::sign_up(api_2, "bob"));
    let screen = bootstrap(&bob, api_1).await;
    ana.says(api_1, &bob, "missed").await;

    let cursor = screen["sync_cursor"].as_str().expect("a cursor");
    let path = format!("/sync?since={cursor}");
    let page = asks(&bob, api_2, Method::GET, &path, None).await;
    assert_eq!(page["messages"][0]["content"], "missed");
    assert_eq!(
        (&page["has_more"], &page["full"]),
        (&json!(false), &json!(false))
    );

    ana.says(api_2, &bob, "heard").await;
    let mut phone = bob
        .listens_from(&cluster.gateway[0], positions(&page))
        .await;
    assert_eq!(hears_until(&mut phone, "heard").await, ["heard"]);
    cluster.stop().await;
}
