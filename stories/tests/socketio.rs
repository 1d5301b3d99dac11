//! Socket.IO on two nodes: what back ends tell people, what comes into feeds, and that all of it is as the `AsyncAPI`
//! document says.

use hyper::Method;
use serde_json::{Value, json};
use stories::{Cluster, Contract, Node, Person, SocketIo};

async fn asks(who: &Person, api: &Node, method: Method, path: &str, body: Value) -> Value {
    let answer = who.request(api, method, path, Some(body)).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.json);
    answer.json
}

async fn posts(who: &Person, api: &Node, content: &str) -> String {
    let post = json!({"content": content});
    let post = asks(who, api, Method::POST, "/posts", post).await;
    post["id"].to_string()
}

/// Somebody with another role, who has signed in since.
async fn with_role(cluster: &Cluster, name: &str, role: &str) -> Person {
    let person = Person::sign_up(&cluster.api[0], name).await;
    cluster
        .operator(&["role", "--account", name, "--role", role])
        .await;
    person.logs_in(&cluster.api[0]).await
}

async fn become_friends(api: &Node, one: &Person, other: &Person) {
    let ask = format!("/friends/request/{}", other.id);
    asks(one, api, Method::POST, &ask, json!({})).await;
    let accept = format!("/friends/accept/{}", one.id);
    asks(other, api, Method::POST, &accept, json!({})).await;
}

/// Emits what the document says can be emitted.
async fn emits(socket: &mut SocketIo, name: &str, argument: Value) -> Value {
    let contract = Contract::get();
    contract.has("heard", name, &argument);
    let answer = socket.emits(name, argument).await;
    assert!(answer.get("error").is_none(), "{name}: {answer}");
    contract.has("acknowledged", name, &answer);
    answer
}

#[tokio::test]
async fn a_back_end_notifies_whoever_wants_to_hear_it_on_whatever_node() {
    let cluster = Cluster::start().await;
    let [api, _] = &cluster.api;
    let shop = with_role(&cluster, "shop", "service").await;
    let admin = with_role(&cluster, "admin", "admin").await;
    let ana = Person::sign_up(api, "ana").await;
    let mut back_end = SocketIo::connect(&shop, &cluster.gateway[0]).await;
    let mut phone = SocketIo::connect(&ana, &cluster.gateway[1]).await;
    let mut desk = ana.listens(&cluster.gateway[0]).await;

    let wish = json!({
        "userId": ana.id.to_string(), "type": "parcel", "title": "Your parcel", "content": "is at the door",
    });
    let answer = back_end.emits("send_notification", wish.clone()).await;
    assert_eq!(answer, json!({"userId": ana.id.to_string()}));
    let told = phone.hears("new_notification").await;
    for (field, expected) in [
        ("userId", json!(ana.id.to_string())),
        ("type", json!("parcel")),
        ("title", json!("Your parcel")),
        ("content", json!("is at the door")),
        ("read", json!(false)),
    ] {
        assert_eq!(told[field], expected, "{field} of {told}");
    }
    let sender = &told["metadata"]["actor"]["id"];
    assert_eq!(*sender, json!(shop.id.to_string()));
    let heard = desk.hears("notification").await;
    assert_eq!(
        heard["data"]["notification"]["id"].to_string(),
        told["id"].as_str().unwrap()
    );

    // Nobody else may; and the same by the native protocol, from an operator.
    let refused = phone.emits("send_notification", wish).await;
    assert_eq!(refused["error"]["code"], "forbidden", "{refused}");
    let mut operator = admin.listens(&cluster.gateway[1]).await;
    let command = json!({
        "type": "send_notification", "user_id": ana.id, "notification_type": "word", "title": "A word",
        "content": "from the house",
    });
    let answer = operator.commands(command).await;
    assert_eq!(answer["data"], json!({"user_id": ana.id}), "{answer}");
    assert_eq!(phone.hears("new_notification").await["type"], "word");

    // Switched off, it is taken and not told.
    let off = json!({"types": {"parcel": {"in_app": false}}});
    asks(&ana, api, Method::PUT, "/notifications/preferences", off).await;
    for (kind, title) in [("parcel", "Unheard"), ("word", "The last")] {
        let wish = json!({"userId": ana.id, "type": kind, "title": title, "content": "…"});
        let answer = back_end.emits("send_notification", wish).await;
        assert!(answer.get("error").is_none(), "{answer}");
    }
    assert_eq!(phone.hears("new_notification").await["title"], "The last");
    cluster.stop().await;
}

#[tokio::test]
async fn what_is_emitted_and_heard_is_what_the_document_says() {
    let cluster = Cluster::start().await;
    let [api, other] = &cluster.api;
    let ana = Person::sign_up(api, "ana").await;
    let bob = Person::sign_up(api, "bob").await;
    let eve = Person::sign_up(other, "eve").await;
    let mut listener = SocketIo::connect(&bob, &cluster.gateway[1]).await;
    become_friends(api, &ana, &bob).await;
    let told = listener.hears("new_notification").await;
    emits(&mut listener, "join", json!(bob.id.to_string())).await;
    emits(&mut listener, "mark_notification_read", told["id"].clone()).await;
    listener.hears("notification_marked_read").await;
    let mut speaker = SocketIo::connect(&ana, &cluster.gateway[0]).await;
    listener.hears("user_online").await;

    let to = bob.id.to_string();
    let message = json!({"receiverId": to, "content": "hello"});
    emits(&mut speaker, "send_message", message).await;
    let message = listener.hears("new_message").await;
    let seen = json!({"conversationId": message["conversationId"], "seq": message["seq"]});
    emits(&mut listener, "read", seen).await;
    speaker.hears("message_read").await;
    emits(&mut speaker, "typing", json!({"receiverId": to})).await;
    listener.hears("user_typing").await;
    emits(&mut speaker, "stop_typing", json!(to)).await;
    listener.hears("user_stop_typing").await;
    let signal = json!({"to": to, "data": {"sdp": "offer"}});
    emits(&mut speaker, "signal", signal).await;
    listener.hears("signal").await;

    // Who only follows hears of public posts; of a private account's, who is accepted.
    let follow = format!("/users/{}/follow", ana.id);
    asks(&eve, other, Method::PUT, &follow, json!({})).await;
    let mut follower = SocketIo::connect(&eve, &cluster.gateway[0]).await;
    let post = posts(&ana, other, "a post").await;
    for socket in [&mut listener, &mut follower] {
        let told = socket.hears("new_post").await;
        assert_eq!(told["id"], post.as_str());
        assert_eq!(
            (&told["content"], &told["likedByMe"]),
            (&json!("a post"), &json!(false))
        );
        assert_eq!(told["author"]["id"], ana.id.to_string());
        let folded = socket.hears("new_posts_available").await;
        assert_eq!(folded["latestPostId"], post.as_str());
    }
    emits(&mut listener, "join_post", json!(post)).await;
    let comments = format!("/posts/{post}/comments");
    asks(&ana, api, Method::POST, &comments, json!({"content": "hi"})).await;
    listener.hears("new_comment").await;
    listener.hears("comment_count").await;
    emits(&mut listener, "leave_post", json!({"postId": post})).await;

    // Frames that are no events have their place in it too.
    let group = json!({"name": "Runners", "is_private": false});
    let group = asks(&ana, api, Method::POST, "/groups", group).await["id"].clone();
    let join = format!("/groups/{group}/join");
    asks(&bob, api, Method::POST, &join, json!({})).await;
    listener.hears("channels").await;
    let refused = listener
        .emits("send_message", json!({"receiverId": to}))
        .await;
    Contract::get().has("acknowledged", "send_message", &refused);
    let in_group = json!({"content": "for members", "group_id": group});
    asks(&ana, api, Method::POST, "/posts", in_group).await;
    assert_eq!(
        listener.hears("new_post").await["groupId"],
        group.to_string()
    );

    let block = format!("/users/{}/block", eve.id);
    asks(&ana, api, Method::PUT, &block, json!({})).await;
    posts(&ana, api, "not for eve").await;
    let told = listener.hears("new_post").await;
    assert_eq!(told["content"], "not for eve");
    let own = posts(&bob, api, "by bob").await;
    assert_eq!(speaker.hears("new_post").await["id"], own.as_str());
    let of_eve = follower.heard.iter().filter(|(name, _)| name == "new_post");
    assert_eq!(of_eve.count(), 1, "blocked people hear nothing");

    for socket in [&listener, &speaker, &follower] {
        for (name, argument) in &socket.heard {
            Contract::get().has("emitted", name, argument);
        }
    }
    let heard = listener.heard.iter().map(|(name, _)| name.as_str());
    let heard: std::collections::BTreeSet<&str> = heard.collect();
    assert!(heard.len() > 10, "{heard:?}");
    cluster.stop().await;
}
