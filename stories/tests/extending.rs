//! `docs/extending.md`, followed literally: its feature in two pods, told through two gateways that have never heard of it.

use std::{fs, path::Path};

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use shared::testing::{Answer, Received};
use stories::{Cluster, Listener, Node, Person};

async fn asks(who: &Person, api: &Node, method: Method, path: &str, body: Value) -> Answer {
    let answer = who.request(api, method, path, Some(body)).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.json);
    answer
}

async fn follows(who: &Person, whom: &Person, api: &Node) {
    let path = format!("/users/{}/follow", whom.id);
    asks(who, api, Method::PUT, &path, json!({})).await;
}

fn shares(post: &Value) -> Value {
    json!({"type": "post_action", "post_id": post, "action": "share"})
}

/// Acts until presence, which is told within a second, has reached the pod.
async fn shares_until_heard(who: &mut Listener, post: &Value, followers: u64) {
    while who.commands(shares(post)).await["data"]["followers_told"] != followers {}
}

/// Fails if a `post_action` comes before this message does.
async fn hears_of_no_action_before(phone: &mut Listener, content: &str) {
    loop {
        let Received::Frame(frame) = phone.next().await else {
            panic!("closed");
        };
        assert_ne!(frame["type"], "post_action", "{frame}");
        if frame["data"]["content"] == content {
            return;
        }
    }
}

#[tokio::test]
async fn a_new_command_reaches_the_author_and_the_followers_who_want_to_hear_of_it() {
    let cluster = Cluster::start_extended("post_action").await;
    let [api_1, api_2] = &cluster.api;
    let [gateway_1, gateway_2] = &cluster.gateway;
    let ana = Person::sign_up(api_1, "ana").await;
    let bob = Person::sign_up(api_2, "bob").await;
    let [eve, mia] = [
        Person::sign_up(api_1, "eve").await,
        Person::sign_up(api_2, "mia").await,
    ];
    follows(&eve, &bob, api_1).await;
    follows(&mia, &bob, api_2).await;
    let never = json!({"types": {"post_action": {"in_app": false}}});
    let preferences = "/notifications/preferences";
    asks(&mia, api_1, Method::PUT, preferences, never).await;
    let post = json!({"content": "ten miles"});
    let post = asks(&ana, api_1, Method::POST, "/posts", post).await.json["id"].clone();

    let mut ana_s_phone = ana.listens(gateway_1).await;
    let mut eve_s_phone = eve.listens(gateway_2).await;
    let mut mia_s_phone = mia.listens(gateway_1).await;
    let mut bob_s_phone = bob.listens(gateway_2).await;

    // A command that no gateway knows, and events that none does.
    shares_until_heard(&mut bob_s_phone, &post, 1).await;
    let shared = ana_s_phone.hears("post_shared").await;
    assert_eq!(shared["data"], json!({"post_id": post, "user_id": bob.id}));
    assert!(shared["offset"].is_u64(), "kept, for devices that are away");
    let told = ana_s_phone.hears("notification").await;
    assert_eq!(told["data"]["subtype"], "post_share");
    assert_eq!(told["data"]["message"], "bob shared your post");
    let passing = eve_s_phone.hears("post_action").await;
    assert_eq!(passing["data"]["action"], "share");
    assert_eq!(passing["data"]["user"]["username"], "bob");
    assert!(passing["offset"].is_null(), "not kept");

    // The same by HTTP; the inner functions of other features do what they always do.
    let path = format!("/posts/{post}/actions");
    let comment = json!({"action": "comment", "content": "well done"});
    asks(&bob, api_2, Method::POST, &path, comment).await;
    while eve_s_phone.hears("post_action").await["data"]["action"] != "comment" {}
    let comments = format!("/posts/{post}/comments");
    let comments = ana.request(api_1, Method::GET, &comments, None).await.json;
    assert_eq!(comments["items"][0]["content"], "well done");
    let wrong = json!({"action": "comment", "content": ""});
    let refused = bob.request(api_2, Method::POST, &path, Some(wrong)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);

    // A block ends it, as it ends everything; Mia, who switched it off, heard nothing all the while.
    let block = format!("/users/{}/block", bob.id);
    asks(&eve, api_1, Method::PUT, &block, json!({})).await;
    let like = json!({"type": "post_action", "post_id": post, "action": "like"});
    let liked = bob_s_phone.commands(like).await;
    assert_eq!(liked["data"]["followers_told"], 0, "{liked}");
    ana.says(api_1, &mia, "hello").await;
    hears_of_no_action_before(&mut mia_s_phone, "hello").await;

    let refused =
        bob_s_phone.commands(json!({"type": "post_action", "post_id": 0, "action": "share"}));
    assert_eq!(refused.await["type"], "error");
    cluster.stop().await;
}

/// The blocks of the document, with the file that the line before each of them names.
fn blocks(document: &str) -> Vec<(&str, &str)> {
    let sections = document.split("\n`examples/").skip(1);
    let blocks = sections.map(|section| {
        let (file, rest) = section.split_once('`').expect("a file's name");
        let (_, code) = rest.split_once("```rust\n").expect("a block of code");
        let (code, _) = code.split_once("```").expect("its end");
        (file, code)
    });
    blocks.collect()
}

#[test]
fn the_document_shows_the_example_that_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let document = fs::read_to_string(root.join("docs/extending.md")).expect("docs/extending.md");
    let blocks = blocks(&document);
    for (file, code) in &blocks {
        let source = fs::read_to_string(root.join("examples").join(file)).expect(file);
        // An ellipsis stands for what is left out.
        for part in code.split("// …\n") {
            assert!(source.contains(part), "{file} has not:\n{part}");
        }
    }
    let shown = |file: &str| blocks.iter().any(|(shown, _)| shown.ends_with(file));
    for file in [
        "mod.rs",
        "act.rs",
        "events.rs",
        "notifications.rs",
        "routes.rs",
        "main.rs",
    ] {
        assert!(shown(file), "{file} is not shown");
    }
}
