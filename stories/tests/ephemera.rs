//! What is told and not stored: typing, rooms, broadcasts; on two nodes, and without the servers behind them.

use hyper::Method;
use serde_json::{Value, json};
use shared::testing::Received;
use stories::{Cluster, Listener, Node, Person};

async fn asks(who: &Person, api: &Node, method: Method, path: &str, body: Value) -> Value {
    let answer = who.request(api, method, path, Some(body)).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.json);
    answer.json
}

async fn does(listener: &mut Listener, command: Value) -> Value {
    let answer = listener.commands(command.clone()).await;
    assert_eq!(answer["type"], "ack", "{command}: {answer}");
    answer["data"].clone()
}

async fn is_refused(listener: &mut Listener, command: Value, code: &str) {
    let answer = listener.commands(command.clone()).await;
    assert_eq!(answer["code"], code, "{command}: {answer}");
}

/// The kinds of what is heard up to and with the first of this kind.
async fn kinds_until(listener: &mut Listener, last: &str) -> Vec<String> {
    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|kind| kind != last) {
        let Received::Frame(frame) = listener.next().await else {
            panic!("closed");
        };
        let kind = frame["type"].as_str().expect("a type");
        if !kind.starts_with("user_") {
            kinds.push(kind.to_owned());
        }
    }
    kinds
}

/// People who have talked with the first of them, and their sockets on the second node.
async fn talkers<const COUNT: usize>(
    cluster: &Cluster,
    names: [&str; COUNT],
) -> (Person, Vec<(Person, Listener)>) {
    let [api, other] = &cluster.api;
    let ana = Person::sign_up(api, "ana").await;
    let mut talkers = Vec::new();
    for name in names {
        let person = Person::sign_up(other, name).await;
        ana.says(api, &person, "hello").await;
        let listener = person.listens(&cluster.gateway[1]).await;
        talkers.push((person, listener));
    }
    (ana, talkers)
}

#[tokio::test]
async fn typing_is_told_once_in_a_while_and_always_ends() {
    let cluster = Cluster::start().await;
    let (ana, mut others) = talkers(&cluster, ["bob", "eve", "dan", "kim"]).await;
    let ids: Vec<i64> = others.iter().map(|(person, _)| person.id).collect();
    let types = |verb: &str, to: i64| json!({"type": format!("typing_{verb}"), "to": to});
    let mut phone = ana.listens(&cluster.gateway[0]).await;
    let mut desk = ana.listens(&cluster.gateway[0]).await;

    for _ in 0..3 {
        does(&mut phone, types("start", ids[0])).await;
    }
    does(&mut phone, types("stop", ids[0])).await;
    let heard = kinds_until(&mut others[0].1, "typing_stop").await;
    assert_eq!(heard, ["typing_start", "typing_stop"], "of three, one");

    does(&mut phone, types("start", ids[1])).await;
    let started = others[1].1.hears("typing_start").await;
    assert_eq!(started["from_user_id"], ana.id);
    assert_eq!(started["data"]["user_id"], ana.id);
    assert!(started["data"]["conversation_id"].is_i64(), "{started}");
    assert!(started["offset"].is_null(), "it is not stored: {started}");
    let message = json!({"type": "private", "to": ids[1], "content": "there"});
    does(&mut phone, message).await;
    others[1].1.hears("typing_stop").await;

    does(&mut desk, types("start", ids[2])).await;
    others[2].1.hears("typing_start").await;
    desk.goes_away();
    others[2].1.hears("typing_stop").await;

    does(&mut phone, types("start", ids[3])).await;
    others[3].1.hears("typing_start").await;
    // It says nothing more; the node does.
    others[3].1.hears("typing_stop").await;

    is_refused(&mut phone, types("start", ana.id), "self_not_allowed").await;
    is_refused(&mut phone, types("start", 999_999), "not_found").await;
    let nowhere = json!({"type": "typing_start"});
    is_refused(&mut phone, nowhere, "validation_failed").await;
    cluster.stop().await;
}

#[tokio::test]
async fn a_room_is_told_what_happens_and_whoever_leaves_hears_no_more() {
    let cluster = Cluster::start().await;
    let [api, other] = &cluster.api;
    let ana = Person::sign_up(api, "ana").await;
    let bob = Person::sign_up(other, "bob").await;
    let eve = Person::sign_up(api, "eve").await;
    let content = json!({"content": "a post"});
    let post = asks(&ana, api, Method::POST, "/posts", content).await["id"].clone();
    let like = format!("/posts/{post}/like");
    asks(&eve, api, Method::PUT, &like, json!({})).await;
    let mut phone = bob.listens(&cluster.gateway[0]).await;
    let mut desk = bob.listens(&cluster.gateway[1]).await;
    let join = json!({"type": "join_post", "post_id": post});
    for listener in [&mut phone, &mut desk] {
        let counts = does(listener, join.clone()).await;
        assert_eq!(counts["like_count"], 1, "{counts}");
        assert!(
            counts.get("hidden").is_none(),
            "whom one blocks is not told"
        );
    }
    let comments = format!("/posts/{post}/comments");
    asks(
        &ana,
        other,
        Method::POST,
        &comments,
        json!({"content": "hi"}),
    )
    .await;
    asks(&ana, other, Method::PUT, &like, json!({})).await;
    let reaction = format!("/posts/{post}/reaction");
    asks(&eve, api, Method::PUT, &reaction, json!({"emoji": "👍"})).await;
    for listener in [&mut phone, &mut desk] {
        let mut missing = vec![
            "new_comment",
            "like_count",
            "comment_count",
            "reaction_count",
        ];
        while !missing.is_empty() {
            let Received::Frame(frame) = listener.next().await else {
                panic!("closed");
            };
            missing.retain(|kind| frame["type"] != *kind);
        }
    }
    does(&mut phone, json!({"type": "leave_post", "post_id": post})).await;
    asks(
        &ana,
        api,
        Method::POST,
        &comments,
        json!({"content": "bye"}),
    )
    .await;
    let heard = desk.hears("new_comment").await;
    assert_eq!(heard["data"]["content"], "bye");
    // Both nodes have had it when the fence comes.
    ana.says(api, &bob, "fence").await;
    let heard = kinds_until(&mut phone, "private_message").await;
    assert!(!heard.contains(&"new_comment".to_owned()), "{heard:?}");
    cluster.stop().await;
}

/// Of people who do not exist for each other, neither hears what the other says under somebody else's post.
#[tokio::test]
async fn the_blocked_are_not_heard_in_others_rooms() {
    let cluster = Cluster::start().await;
    let [api, _] = &cluster.api;
    let ana = Person::sign_up(api, "ana").await;
    let bob = Person::sign_up(api, "bob").await;
    let eve = Person::sign_up(api, "eve").await;
    let content = json!({"content": "a post"});
    let post = asks(&ana, api, Method::POST, "/posts", content).await["id"].clone();
    let mut phone = bob.listens(&cluster.gateway[0]).await;
    let mut witness = ana.listens(&cluster.gateway[0]).await;
    for listener in [&mut phone, &mut witness] {
        does(listener, json!({"type": "join_post", "post_id": post})).await;
    }
    let comments = format!("/posts/{post}/comments");
    let block = format!("/users/{}/block", bob.id);
    for (step, method, is_heard) in [
        ("before", None, true),
        ("blocked", Some(Method::PUT), false),
        ("let go", Some(Method::DELETE), true),
    ] {
        if let Some(method) = method {
            asks(&eve, api, method, &block, json!({})).await;
            // From here on the room holds what comes until it knows.
            phone.hears("access_changed").await;
        }
        asks(
            &eve,
            api,
            Method::POST,
            &comments,
            json!({ "content": step }),
        )
        .await;
        while witness.hears("new_comment").await["data"]["content"] != step {}
        ana.says(api, &bob, step).await;
        asks(
            &ana,
            api,
            Method::POST,
            &comments,
            json!({"content": "fence"}),
        )
        .await;
        let mut heard = false;
        loop {
            let frame = phone.hears("new_comment").await;
            heard |= frame["data"]["content"] == step;
            if frame["data"]["content"] == "fence" {
                break;
            }
        }
        assert_eq!(heard, is_heard, "{step}");
    }
    cluster.stop().await;
}

#[tokio::test]
async fn a_broadcast_is_heard_once_on_every_connection() {
    let cluster = Cluster::start().await;
    let [api, other] = &cluster.api;
    let ana = Person::sign_up(api, "ana").await;
    let bob = Person::sign_up(other, "bob").await;
    cluster
        .operator(&["role", "--account", "ana", "--role", "admin"])
        .await;
    let ana = ana.logs_in(api).await;
    let mut operator = ana.listens(&cluster.gateway[0]).await;
    let mut listeners = Vec::new();
    for gateway in cluster.gateway.iter().cycle().take(6) {
        listeners.push(bob.listens(gateway).await);
    }
    let word = json!({"type": "broadcast", "content": "over a socket"});
    does(&mut operator, word).await;
    let word = json!({"content": "over HTTP"});
    asks(&ana, other, Method::POST, "/broadcast", word).await;
    for listener in &mut listeners {
        let mut heard = Vec::new();
        while heard.len() < 2 {
            let broadcast = listener.hears("broadcast").await;
            heard.push(broadcast["data"]["content"].as_str().unwrap().to_owned());
        }
        heard.sort();
        assert_eq!(heard, ["over HTTP", "over a socket"]);
    }
    ana.says(api, &bob, "fence").await;
    for listener in &mut listeners {
        let heard = kinds_until(listener, "private_message").await;
        assert!(!heard.contains(&"broadcast".to_owned()), "{heard:?}");
    }
    cluster.stop().await;
}

/// Without `api`, and so without PostgreSQL: what is known goes on, what is not is refused, with the word to try again.
#[tokio::test]
async fn typing_and_broadcasts_go_on_without_api() {
    let mut cluster = Cluster::start().await;
    let (ana, mut others) = talkers(&cluster, ["bob", "eve"]).await;
    cluster
        .operator(&["role", "--account", "ana", "--role", "admin"])
        .await;
    let ana = ana.logs_in(&cluster.api[0]).await;
    let content = json!({"content": "a post"});
    let post = asks(&ana, &cluster.api[0], Method::POST, "/posts", content).await["id"].clone();
    let mut phone = ana.listens(&cluster.gateway[0]).await;
    let types = |verb: &str, to: i64| json!({"type": format!("typing_{verb}"), "to": to});
    does(&mut phone, types("stop", others[0].0.id)).await;

    for api in &mut cluster.api {
        api.program.kill();
    }
    does(&mut phone, types("start", others[0].0.id)).await;
    others[0].1.hears("typing_start").await;
    is_refused(&mut phone, types("start", others[1].0.id), "unavailable").await;
    let join = json!({"type": "join_post", "post_id": post});
    is_refused(&mut phone, join.clone(), "unavailable").await;
    let word = json!({"type": "broadcast", "content": "we are working on it"});
    does(&mut phone, word).await;
    for (_, listener) in &mut others {
        listener.hears("broadcast").await;
    }

    for api in &mut cluster.api {
        api.program.restart().await;
    }
    does(&mut phone, types("start", others[1].0.id)).await;
    others[1].1.hears("typing_start").await;
    does(&mut phone, join).await;
    cluster.stop().await;
}

/// Word to gateways is not stored. One that Redis could not bring is made up for when Redis is back.
#[tokio::test]
async fn a_room_that_was_taken_while_redis_was_away_is_left_when_it_is_back() {
    let mut cluster = Cluster::start().await;
    let ana = Person::sign_up(&cluster.api[0], "ana").await;
    let bob = Person::sign_up(&cluster.api[1], "bob").await;
    let content = json!({"content": "a post"});
    let api = &cluster.api[0];
    let post = asks(&ana, api, Method::POST, "/posts", content.clone()).await["id"].clone();
    let kept = asks(&bob, api, Method::POST, "/posts", content).await["id"].clone();
    let mut phone = bob.listens(&cluster.gateway[1]).await;
    for post in [&post, &kept] {
        does(&mut phone, json!({"type": "join_post", "post_id": post})).await;
    }
    cluster.redis.kill();
    let private = json!({"is_private": true});
    asks(&ana, api, Method::PATCH, "/users/me", private).await;
    cluster.redis.restart_empty().await;
    let left = phone.hears("left_post").await;
    assert_eq!(
        left["data"],
        json!({"post_id": post, "reason": "no_access"})
    );
    let comments = format!("/posts/{kept}/comments");
    asks(&ana, api, Method::POST, &comments, json!({"content": "hi"})).await;
    phone.hears("new_comment").await;
    cluster.stop().await;
}
