//! What ends while it is in use: a token's time, an account, a right in the middle of what somebody catches up with.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    credentials::{Purpose, Tokens},
    testing::{Connect, ConnectError, Received, WireClient},
};
use stories::{Cluster, Listener, Node, Person};

async fn asks(who: &Person, api: &Node, method: Method, path: &str, body: Value) -> Value {
    let answer = who.request(api, method.clone(), path, Some(body)).await;
    assert!(
        answer.status.is_success(),
        "{method} {path}: {}",
        answer.json
    );
    answer.json
}

async fn is_refused(gateway: &Node, token: &str, expected: &str) {
    match WireClient::connect(&Connect::bearer(gateway.http.base(), token)).await {
        Err(ConnectError::Refused {
            status, problem, ..
        }) => assert_eq!((status.as_u16(), &problem["code"]), (401, &json!(expected))),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("let in"),
    }
}

/// Otto has a group, and they are in it. Returns its id.
async fn in_a_group(cluster: &Cluster, otto: &Person, members: &[&Person]) -> Value {
    let [api, _] = &cluster.api;
    let group = json!({"name": "Runners"});
    let group = asks(otto, api, Method::POST, "/groups", group).await["id"].clone();
    for member in members {
        let path = format!("/groups/{group}/join");
        asks(member, api, Method::POST, &path, json!({})).await;
    }
    group
}

#[tokio::test]
async fn the_end_of_a_token_is_the_end_of_its_sockets_unless_there_is_another() {
    let cluster = Cluster::start().await;
    let [api, _] = &cluster.api;
    let mut vera = Person::sign_up(api, "vera").await;
    let otto = Person::sign_up(api, "otto").await;
    let group = in_a_group(&cluster, &otto, &[&vera]).await;
    let tokens = Tokens::new(&[cluster.jwt_secret.parse().unwrap()], Clock::System);
    let long = vera.token.clone();
    let identity = tokens.verify(Purpose::Access, &long).expect("it is ours");
    let who = (identity.user_id, identity.session_id, identity.role);
    vera.token = tokens.mint(Purpose::Access, who, Duration::from_secs(3)).0;

    let mut sockets = Vec::new();
    for gateway in &cluster.gateway {
        sockets.push(vera.listens(gateway).await);
    }
    let mut refreshed = vera.listens(&cluster.gateway[0]).await;
    let refresh = json!({"type": "refresh", "token": long});
    let answer = refreshed.commands(refresh).await;
    assert_eq!(answer["type"], "ack", "{answer}");
    for socket in &mut sockets {
        socket.hears("session_expiring").await;
        assert_eq!(socket.is_closed().await, 4100);
    }
    is_refused(&cluster.gateway[1], &vera.token, "token_expired").await;
    let message = json!({"group_id": group, "content": "go on"});
    asks(&otto, api, Method::POST, "/messages", message).await;
    let heard = refreshed.hears("group_message").await;
    assert_eq!(heard["data"]["content"], "go on");
    cluster.stop().await;
}

#[tokio::test]
async fn whoever_closes_their_account_is_out_everywhere() {
    let cluster = Cluster::start().await;
    let [api, other] = &cluster.api;
    let vera = Person::sign_up(api, "vera").await;
    let otto = Person::sign_up(api, "otto").await;
    in_a_group(&cluster, &otto, &[&vera]).await;
    let device = vera.logs_in(other).await;
    let mut sockets = Vec::new();
    for gateway in &cluster.gateway {
        sockets.push(vera.listens(gateway).await);
        sockets.push(device.listens(gateway).await);
    }
    let resume_token = sockets[0].welcome["data"]["resume_token"].clone();
    asks(&vera, other, Method::DELETE, "/users/me", json!({})).await;
    for socket in &mut sockets {
        assert_eq!(socket.is_closed().await, 4004);
    }
    for token in [&vera.token, &device.token, resume_token.as_str().unwrap()] {
        is_refused(&cluster.gateway[1], token, "session_revoked").await;
    }
    cluster.stop().await;
}

/// More than a queue and the kernel's buffers hold together.
const MISSED: usize = 120;

/// Somebody who was away while everything was said, and now reads as slowly as can be.
async fn is_catching_up(person: &Person, mut listener: Listener, gateway: &Node) -> Listener {
    listener.reads_slowly();
    listener.come_back(gateway).await;
    let channels = &listener.welcome["data"]["channels"];
    let channels = channels.as_object().expect("channels");
    let recovered = channels.values().all(|start| start["recovered"] == true);
    assert!(recovered, "{}: {channels:?}", person.name);
    listener
}

/// What is said in the group, until the connection ends or the direct message `fence` has come, and how it ended. Whatever still
/// waited to be caught up with would come between the fence and the answer to what is asked then.
async fn catches_up(listener: &mut Listener) -> (Vec<String>, Option<u16>) {
    let mut heard = Vec::new();
    let mut has_left = false;
    loop {
        let frame = match listener.next().await {
            Received::Frame(frame) => frame,
            Received::Closed(code, _) => return (heard, Some(code)),
        };
        let content = frame["data"]["content"].as_str();
        has_left |= frame["type"] == "channels" && !frame["data"]["left"].is_null();
        if content == Some("fence") {
            assert!(has_left, "the client was told");
            listener.sends(json!({"type": "ping"})).await;
        }
        if frame["type"] == "pong" {
            return (heard, None);
        }
        if frame["type"] == "group_message" {
            assert!(!has_left, "heard after it was told to have left: {frame}");
            heard.extend(content.map(|content| content[..6].to_owned()));
        }
    }
}

#[tokio::test]
async fn what_ends_while_somebody_catches_up_is_not_caught_up_with() {
    let cluster = Cluster::start().await;
    let [api, other] = &cluster.api;
    let otto = Person::sign_up(api, "otto").await;
    let mut people = Vec::new();
    for name in ["removed", "leaver", "logout", "closer", "suspended"] {
        people.push(Person::sign_up(api, name).await);
    }
    let members: Vec<&Person> = people.iter().collect();
    let group = in_a_group(&cluster, &otto, &members).await;
    let mut away = Vec::new();
    for person in &people {
        let mut listener = person.listens(&cluster.gateway[0]).await;
        listener.goes_away();
        away.push(listener);
    }
    let filler = "x".repeat(9_000);
    let says = async |content: String| {
        let message = json!({"group_id": group, "content": content});
        asks(&otto, api, Method::POST, "/messages", message).await;
    };
    for number in 0..MISSED {
        says(format!("{number:06}{filler}")).await;
    }

    let mut catching = Vec::new();
    for (person, listener) in people.iter().zip(away) {
        catching.push(is_catching_up(person, listener, &cluster.gateway[1]).await);
    }
    let [removed, leaver, logout, closer, _] = &people[..] else {
        panic!("five people");
    };
    let path = format!("/groups/{group}/members/{}", removed.id);
    asks(&otto, other, Method::DELETE, &path, json!({})).await;
    let path = format!("/groups/{group}/leave");
    asks(leaver, other, Method::POST, &path, json!({})).await;
    asks(logout, other, Method::POST, "/auth/logout", json!({})).await;
    asks(closer, other, Method::DELETE, "/users/me", json!({})).await;
    cluster
        .operator(&["suspend", "--account", "suspended"])
        .await;
    says(format!("behind{filler}")).await;
    for person in [removed, leaver] {
        otto.says(other, person, "fence").await;
    }

    let ends = [None, None, Some(4004), Some(4004), Some(4004)];
    for ((person, listener), end) in people.iter().zip(&mut catching).zip(ends) {
        let (heard, code) = catches_up(listener).await;
        assert_eq!(code, end, "{}", person.name);
        let count = heard.len();
        assert!(count < MISSED, "{} had caught up before", person.name);
        let expected: Vec<String> = (0..count).map(|number| format!("{number:06}")).collect();
        assert_eq!(heard, expected, "{}", person.name);
    }
    cluster.stop().await;
}
