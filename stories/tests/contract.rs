//! Frames as they come over sockets, against the schemas of `GET /asyncapi.json`. Every listener of every story holds each
//! frame against them; this one provokes as many types as it can, and shows that what is wrong is seen.

use hyper::Method;
use serde_json::{Value, json};
use stories::{Cluster, Contract, Listener, Node, Person};

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

/// What two friends say to each other, and what goes with it.
async fn they_talk((ana, desk): (&Person, &mut Listener), (bob, phone): (&Person, &mut Listener)) {
    let message = json!({"type": "private", "to": bob.id, "content": "hello"});
    does(desk, message).await;
    let heard = phone.hears("private_message").await;
    let conversation = heard["data"]["conversation_id"].clone();
    let read = json!({"type": "read", "conversation_id": conversation, "seq": 1});
    does(phone, read).await;
    desk.hears("message_read").await;
    let edit = json!({"type": "message", "conversation_id": conversation, "content": "hi"});
    does(phone, edit).await;
    does(desk, json!({"type": "typing_start", "to": bob.id})).await;
    phone.hears("typing_start").await;
    phone.hears("typing_stop").await;
    let signal = json!({"type": "signal", "to": bob.id, "data": {"sdp": "v=0"}});
    does(desk, signal).await;
    phone.hears("signal").await;
    phone
        .sends(json!({"type": "presence", "user_ids": [ana.id]}))
        .await;
    phone.hears("presence_state").await;
    let asked = does(phone, json!({"type": "presence", "user_ids": [ana.id]})).await;
    assert_eq!(asked["users"][0]["online"], true);
    phone.sends(json!({"type": "ping"})).await;
    phone.hears("pong").await;
    let positions = phone.positions.clone();
    does(phone, json!({"type": "sync", "channels": positions})).await;
}

/// A post with its room, and a group with its event.
async fn they_share(api: &Node, ana: &Person, (bob, phone): (&Person, &mut Listener)) {
    let content = json!({"content": "a post"});
    let post = asks(bob, api, Method::POST, "/posts", content).await["id"].clone();
    does(phone, json!({"type": "join_post", "post_id": post})).await;
    let path = format!("/posts/{post}");
    let comment = json!({"content": "a comment"});
    asks(ana, api, Method::POST, &format!("{path}/comments"), comment).await;
    phone.hears("new_comment").await;
    let like = format!("{path}/like");
    asks(ana, api, Method::PUT, &like, json!({})).await;
    phone.hears("like_count").await;
    let reaction = format!("{path}/reaction");
    asks(ana, api, Method::PUT, &reaction, json!({"emoji": "👍"})).await;
    phone.hears("reaction_count").await;
    does(phone, json!({"type": "leave_post", "post_id": post})).await;

    let group = json!({"name": "Runners"});
    let group = asks(bob, api, Method::POST, "/groups", group).await["id"].clone();
    phone.hears("channels").await;
    let run = json!({"title": "Run", "starts_at": "2100-01-01T00:00:00.000Z"});
    let events = format!("/groups/{group}/events");
    let run = asks(bob, api, Method::POST, &events, run).await["id"].clone();
    phone.hears("event_created").await;
    let rsvp = format!("/events/{run}/rsvp");
    asks(bob, api, Method::PUT, &rsvp, json!({"status": "going"})).await;
    phone.hears("event_rsvp").await;
    // Its acknowledgement may come after what it does.
    let message = json!({"type": "group", "group_id": group, "content": "off we go"});
    phone.sends(message).await;
    phone.hears("group_message").await;
}

#[tokio::test]
async fn what_is_said_is_what_the_document_says_and_what_is_not_is_seen() {
    let cluster = Cluster::start_with(&[("HEARTBEAT", "2s")]).await;
    let [api, other] = &cluster.api;
    let ana = Person::sign_up(api, "ana").await;
    let bob = Person::sign_up(other, "bob").await;
    cluster
        .operator(&["role", "--account", "ana", "--role", "admin"])
        .await;
    let ana = ana.logs_in(api).await;
    let mut phone = bob.listens(&cluster.gateway[0]).await;
    let welcome = phone.welcome.clone();
    let mut desk = ana.listens(&cluster.gateway[1]).await;

    let request = format!("/friends/request/{}", bob.id);
    asks(&ana, api, Method::POST, &request, json!({})).await;
    let notification = phone.hears("notification").await;
    let id = &notification["data"]["notification"]["id"];
    let accept = format!("/notifications/{id}");
    let yes = json!({"action": "accept"});
    asks(&bob, other, Method::POST, &accept, yes).await;
    phone.hears("notification_marked_read").await;
    they_talk((&ana, &mut desk), (&bob, &mut phone)).await;
    they_share(api, &ana, (&bob, &mut phone)).await;

    let word = json!({"type": "broadcast", "content": "back in five minutes"});
    does(&mut desk, word).await;
    phone.hears("broadcast").await;
    let bob_alone = json!({"enabled": true, "denied_users": [bob.id]});
    asks(&ana, api, Method::PUT, "/admin/flags/likes", bob_alone).await;
    phone.hears("flags_changed").await;
    let heartbeat = phone.hears("heartbeat").await;

    let unknown = phone.commands(json!({"type": "juggle"})).await;
    assert_eq!(unknown["code"], "unknown_type");
    let wrong = json!({"type": "private", "to": ana.id, "content": ""});
    let wrong = phone.commands(wrong).await;
    assert_eq!(wrong["code"], "validation_failed");
    assert_eq!(wrong["errors"][0]["field"], "content");

    let contract = Contract::get();
    let is_seen = |mut frame: Value, path: &str, value: Value| {
        assert_eq!(contract.errors(&frame), [""; 0], "{frame}");
        *frame.pointer_mut(path).expect("it is there") = value;
        assert_ne!(contract.errors(&frame), [""; 0], "{frame}");
    };
    is_seen(welcome, "/data/heartbeat_seconds", json!("2"));
    is_seen(heartbeat, "/tops", json!([]));
    is_seen(wrong, "/code", json!("no_such_code"));
    is_seen(notification.clone(), "/offset", json!(0));
    is_seen(notification.clone(), "/data/notification", json!({}));
    let mut more = notification;
    more["priority"] = json!(1);
    assert_eq!(contract.errors(&more), ["priority is not in the document"]);
    let ack = json!({"type": "ack", "ref": 1, "data": {"seq": "first"}});
    assert_ne!(contract.errors_of_ack("private", &ack), [""; 0]);
    cluster.stop().await;
}
