//! Permissions that follow life on open sockets: every act that takes a right, against every kind of stream.
//!
//! For each act a table says what is still heard afterwards on a socket that was open before. Vera listens on one node;
//! Ana and Otto live on the other: Ana's post, Otto's group, and what both say to Vera.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use shared::testing::Received;
use stories::{Cluster, Listener, Node, PASSWORD, Person};
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(30);

/// What Vera hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    /// Otto's direct messages: her own channel.
    Own,
    /// Otto's messages in his group: the group's channel.
    Group,
    /// Otto's comments under Ana's post: a post's room.
    Room,
    /// Otto's comments under his post in his group: the same, by membership.
    GroupRoom,
    /// Ana typing to her.
    Typing,
    /// Otto typing in his group.
    GroupTyping,
    /// Ana's signals.
    Signal,
}

use Stream::{Group, GroupRoom, GroupTyping, Own, Room, Signal, Typing};

const STREAMS: [Stream; 7] = [Own, Group, Room, GroupRoom, Typing, GroupTyping, Signal];

/// How Vera comes to see Ana's post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The account is public.
    Public,
    /// It is private, and they are friends.
    Friendship,
    /// It is private, and Ana has accepted her as a follower.
    Follow,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Nothing,
    AnaBlocks,
    VeraBlocks,
    AnaUnfriends,
    VeraUnfriends,
    VeraUnfollows,
    AnaBecomesPrivate,
    AnaDeletesThePost,
    AnaIsSuspended,
    AnaClosesHerAccount,
    VeraIsRemoved,
    VeraLeaves,
    TheGroupBecomesPrivate,
    TheGroupIsDeleted,
    VeraLogsOutElsewhere,
    VeraChangesHerPassword,
}

/// Everything that is there before the act.
struct World<'a> {
    cluster: &'a Cluster,
    vera: Person,
    ana: Person,
    otto: Person,
    /// On the second node.
    ears: Listener,
    /// On the first.
    ana_s: Listener,
    /// On the second: whoever is there hears what Vera might.
    otto_s: Listener,
    conversation: Value,
    group: Value,
    post: Value,
    group_post: Value,
}

async fn asks(who: &Person, api: &Node, method: Method, path: &str, body: Value) -> Value {
    let answer = who.request(api, method.clone(), path, Some(body)).await;
    assert!(
        answer.status.is_success(),
        "{method} {path}: {}",
        answer.json
    );
    answer.json
}

async fn posts(who: &Person, api: &Node, path: &str, body: Value) -> Value {
    asks(who, api, Method::POST, path, body).await
}

async fn does(listener: &mut Listener, command: Value) {
    let answer = listener.commands(command.clone()).await;
    assert_eq!(answer["type"], "ack", "{command}: {answer}");
}

/// Everything up to the direct message `fence`.
async fn frames_until(ears: &mut Listener, fence: &str) -> Vec<Value> {
    let mut frames = Vec::new();
    loop {
        let frame = match ears.next().await {
            Received::Frame(frame) => frame,
            Received::Closed(code, reason) => panic!("closed with {code} {reason}"),
        };
        if frame["data"]["content"] == fence {
            return frames;
        }
        frames.push(frame);
    }
}

impl<'a> World<'a> {
    async fn create(cluster: &'a Cluster, number: usize, by: By) -> Self {
        let [api, _] = &cluster.api;
        let [first, second] = &cluster.gateway;
        let name = |name: &str| format!("{name}{number}");
        let vera = Person::sign_up(api, &name("vera")).await;
        let ana = Person::sign_up(api, &name("ana")).await;
        let otto = Person::sign_up(api, &name("otto")).await;
        befriend(&otto, &ana, api).await;
        if by == By::Friendship {
            befriend(&vera, &ana, api).await;
        }
        if by == By::Follow {
            let path = format!("/users/{}/follow", ana.id);
            asks(&vera, api, Method::PUT, &path, json!({})).await;
        }
        let hello = json!({"to": vera.id, "content": "hello"});
        let conversation = posts(&ana, api, "/messages", hello).await["conversation_id"].clone();
        if by != By::Public {
            let private = json!({"is_private": true});
            asks(&ana, api, Method::PATCH, "/users/me", private).await;
        }
        let group = json!({"name": "Runners"});
        let group = posts(&otto, api, "/groups", group).await["id"].clone();
        let path = format!("/groups/{group}/join");
        posts(&vera, api, &path, json!({})).await;
        let post = json!({"content": "a post"});
        let post = posts(&ana, api, "/posts", post).await["id"].clone();
        let group_post = json!({"content": "a post for runners", "group_id": group});
        let group_post = posts(&otto, api, "/posts", group_post).await["id"].clone();

        let mut ears = vera.listens(second).await;
        let mut otto_s = otto.listens(second).await;
        let mut ana_s = ana.listens(first).await;
        for room in [&post, &group_post] {
            for listener in [&mut ears, &mut otto_s] {
                does(listener, json!({"type": "join_post", "post_id": room})).await;
            }
        }
        // What is asked for once is remembered: to be forgotten when it should be.
        does(&mut ana_s, json!({"type": "typing_stop", "to": vera.id})).await;
        let by_conversation = json!({"type": "typing_stop", "conversation_id": conversation});
        does(&mut ana_s, by_conversation).await;
        let signal = json!({"type": "signal", "to": vera.id, "data": {"n": 0}});
        does(&mut ana_s, signal).await;
        does(
            &mut otto_s,
            json!({"type": "typing_stop", "group_id": group}),
        )
        .await;
        Self {
            cluster,
            vera,
            ana,
            otto,
            ears,
            ana_s,
            otto_s,
            conversation,
            group,
            post,
            group_post,
        }
    }

    async fn act(&mut self, act: Act) {
        let [api, other] = &self.cluster.api;
        let (vera, ana, otto) = (&self.vera, &self.ana, &self.otto);
        let (method, who, path, body) = match act {
            Act::Nothing => return,
            Act::AnaBlocks => (
                Method::PUT,
                ana,
                format!("/users/{}/block", vera.id),
                json!({}),
            ),
            Act::VeraBlocks => (
                Method::PUT,
                vera,
                format!("/users/{}/block", ana.id),
                json!({}),
            ),
            Act::AnaUnfriends => (
                Method::DELETE,
                ana,
                format!("/friends/{}", vera.id),
                json!({}),
            ),
            Act::VeraUnfriends => (
                Method::DELETE,
                vera,
                format!("/friends/{}", ana.id),
                json!({}),
            ),
            Act::VeraUnfollows => {
                let path = format!("/users/{}/follow", ana.id);
                (Method::DELETE, vera, path, json!({}))
            }
            Act::AnaBecomesPrivate => {
                let private = json!({"is_private": true});
                (Method::PATCH, ana, "/users/me".to_owned(), private)
            }
            Act::AnaDeletesThePost => (
                Method::DELETE,
                ana,
                format!("/posts/{}", self.post),
                json!({}),
            ),
            Act::AnaClosesHerAccount => (Method::DELETE, ana, "/users/me".to_owned(), json!({})),
            Act::AnaIsSuspended => {
                let suspend = ["suspend", "--account", &ana.name];
                self.cluster.operator(&suspend).await;
                return;
            }
            Act::VeraIsRemoved => {
                let path = format!("/groups/{}/members/{}", self.group, vera.id);
                (Method::DELETE, otto, path, json!({}))
            }
            Act::VeraLeaves => {
                let path = format!("/groups/{}/leave", self.group);
                (Method::POST, vera, path, json!({}))
            }
            Act::TheGroupBecomesPrivate => {
                let path = format!("/groups/{}", self.group);
                (Method::PATCH, otto, path, json!({"is_private": true}))
            }
            Act::TheGroupIsDeleted => (
                Method::DELETE,
                otto,
                format!("/groups/{}", self.group),
                json!({}),
            ),
            Act::VeraLogsOutElsewhere => {
                let elsewhere = vera.logs_in(api).await;
                asks(&elsewhere, other, Method::POST, "/auth/logout", json!({})).await;
                return;
            }
            Act::VeraChangesHerPassword => {
                let change = json!({
                    "current_password": PASSWORD, "new_password": "staple of batteries",
                });
                (Method::POST, vera, "/auth/password".to_owned(), change)
            }
        };
        asks(who, other, method, &path, body).await;
    }

    /// Waits until what is to be lost is lost, as the client and the other side see it.
    async fn settles(&mut self, lost: &[Stream]) {
        let rooms = [
            (Room, self.post.clone()),
            (GroupRoom, self.group_post.clone()),
        ];
        let mut rooms: Vec<Value> = rooms
            .into_iter()
            .filter(|(stream, _)| lost.contains(stream))
            .map(|(_, post)| post)
            .collect();
        let channel = format!("group:{}", self.group);
        let loses_group = lost.contains(&Group);
        while !rooms.is_empty() || loses_group && self.ears.positions.contains_key(&channel) {
            let Received::Frame(frame) = self.ears.next().await else {
                panic!("closed");
            };
            if frame["type"] == "left_post" {
                rooms.retain(|post| *post != frame["data"]["post_id"]);
            }
        }
        let to_vera = json!({"type": "typing_stop", "to": self.vera.id});
        let call = json!({"type": "signal", "to": self.vera.id, "data": {"n": 0}});
        for (stream, command) in [(Typing, to_vera), (Signal, call)] {
            let deadline = Instant::now() + PATIENCE;
            while lost.contains(&stream) && self.ana_may(&command).await {
                assert!(Instant::now() < deadline, "{stream:?} goes on");
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// Whether Ana's command is done; it is not where her connection is closed.
    async fn ana_may(&mut self, command: &Value) -> bool {
        match self.ana_s.tries(command.clone()).await {
            Some(answer) => answer["type"] == "ack",
            None => false,
        }
    }

    /// Has everybody say everything once, and returns what Vera heard of it.
    async fn heard(&mut self) -> Vec<Stream> {
        // Commands first: what comes before their answers is passed over.
        let typing = json!({"type": "typing_start", "group_id": self.group});
        self.otto_s.commands(typing).await;
        let typing = json!({"type": "typing_start", "conversation_id": self.conversation});
        self.ana_may(&typing).await;
        let signal = json!({"type": "signal", "to": self.vera.id, "data": {"n": 1}});
        self.ana_may(&signal).await;
        let [api, other] = &self.cluster.api;
        let otto = &self.otto;
        let mut witnessed = Vec::new();
        for (post, content) in [(&self.post, "comment"), (&self.group_post, "group comment")] {
            let path = format!("/posts/{post}/comments");
            let comment = Some(json!({ "content": content }));
            let answer = otto.request(api, Method::POST, &path, comment).await;
            if answer.status.is_success() {
                witnessed.push(content);
            }
        }
        let message = Some(json!({"group_id": self.group, "content": "group message"}));
        let answer = otto
            .request(other, Method::POST, "/messages", message)
            .await;
        if answer.status.is_success() {
            witnessed.push("group message");
        }
        // Once Otto has heard it on the same node, Vera has heard it too, or never will.
        while !witnessed.is_empty() {
            let Received::Frame(frame) = self.otto_s.next().await else {
                panic!("closed");
            };
            witnessed.retain(|content| frame["data"]["content"] != *content);
        }
        self.otto.says(api, &self.vera, "own").await;
        self.otto.says(api, &self.vera, "fence").await;
        let frames = frames_until(&mut self.ears, "fence").await;
        let heard = STREAMS.into_iter();
        heard
            .filter(|stream| frames.iter().any(|frame| self.is(*stream, frame)))
            .collect()
    }

    fn is(&self, stream: Stream, frame: &Value) -> bool {
        let (kind, data) = (&frame["type"], &frame["data"]);
        match stream {
            Own => kind == "private_message" && data["content"] == "own",
            Group => kind == "group_message",
            Room => kind == "new_comment" && data["content"] == "comment",
            GroupRoom => kind == "new_comment" && data["content"] == "group comment",
            Typing => {
                kind == "typing_start"
                    && data["user_id"] == self.ana.id
                    && data["conversation_id"] == self.conversation
            }
            GroupTyping => {
                kind == "typing_start"
                    && data["user_id"] == self.otto.id
                    && data["group_id"] == self.group
            }
            Signal => kind == "signal" && data["n"] == 1 && frame["from_user_id"] == self.ana.id,
        }
    }
}

async fn befriend(one: &Person, other: &Person, api: &Node) {
    let path = format!("/friends/request/{}", other.id);
    posts(one, api, &path, json!({})).await;
    let path = format!("/friends/accept/{}", one.id);
    posts(other, api, &path, json!({})).await;
}

/// Goes through a part of the table.
async fn check(table: &[(Act, By, &[Stream])]) {
    let cluster = Cluster::start().await;
    for (number, (act, by, lost)) in table.iter().enumerate() {
        let mut world = World::create(&cluster, number, *by).await;
        world.act(*act).await;
        world.settles(lost).await;
        let kept: Vec<Stream> = STREAMS
            .into_iter()
            .filter(|stream| !lost.contains(stream))
            .collect();
        assert_eq!(world.heard().await, kept, "{act:?}, seen by {by:?}");
    }
    cluster.stop().await;
}

#[tokio::test]
async fn what_ends_between_two_people_ends_on_open_sockets() {
    const BLOCKED: &[Stream] = &[Room, Typing, Signal];
    check(&[
        (Act::Nothing, By::Public, &[]),
        (Act::AnaBlocks, By::Public, BLOCKED),
        (Act::VeraBlocks, By::Public, BLOCKED),
        (Act::AnaBlocks, By::Friendship, BLOCKED),
        // Their conversation is open, and stays.
        (Act::AnaUnfriends, By::Friendship, &[Room]),
        (Act::VeraUnfriends, By::Friendship, &[Room]),
        (Act::VeraUnfollows, By::Follow, &[Room]),
        (Act::VeraUnfollows, By::Friendship, &[]),
        (Act::AnaUnfriends, By::Public, &[]),
    ])
    .await;
}

#[tokio::test]
async fn what_an_account_or_a_post_shows_no_more_is_not_heard_on_open_sockets() {
    check(&[
        (Act::AnaBecomesPrivate, By::Public, &[Room]),
        (Act::AnaBecomesPrivate, By::Friendship, &[]),
        (Act::AnaDeletesThePost, By::Public, &[Room]),
        (Act::AnaIsSuspended, By::Public, &[Room, Typing, Signal]),
        (
            Act::AnaClosesHerAccount,
            By::Public,
            &[Room, Typing, Signal],
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_ends_with_a_membership_ends_on_open_sockets() {
    const OF_THE_GROUP: &[Stream] = &[Group, GroupRoom, GroupTyping];
    check(&[
        (Act::VeraIsRemoved, By::Public, OF_THE_GROUP),
        (Act::VeraLeaves, By::Public, OF_THE_GROUP),
        (Act::TheGroupBecomesPrivate, By::Public, &[]),
        (Act::TheGroupIsDeleted, By::Public, OF_THE_GROUP),
    ])
    .await;
}

/// The other log-ins of a person are not this one.
#[tokio::test]
async fn what_ends_elsewhere_ends_nothing_here() {
    check(&[
        (Act::VeraLogsOutElsewhere, By::Public, &[]),
        (Act::VeraChangesHerPassword, By::Public, &[]),
    ])
    .await;
}

/// Whatever a connection hears ends with the log-in behind it, on every node.
#[tokio::test]
async fn the_end_of_a_log_in_is_the_end_of_its_sockets() {
    let cluster = Cluster::start().await;
    let [api, other] = &cluster.api;
    let post = |path: &'static str, body: Value| (Method::POST, path, body);
    let password = json!({"current_password": PASSWORD, "new_password": "staple of batteries"});
    for (number, (what, (method, path, body), who_acts, stays)) in [
        ("log-out", post("/auth/logout", json!({})), "the device", 1),
        (
            "all sessions",
            (Method::DELETE, "/auth/sessions", json!({})),
            "the desk",
            0,
        ),
        (
            "a password",
            post("/auth/password", password),
            "the desk",
            1,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let desk = Person::sign_up(api, &format!("vera{number}")).await;
        let device = desk.logs_in(other).await;
        let mut sockets = Vec::new();
        for gateway in &cluster.gateway {
            sockets.push((true, device.listens(gateway).await));
            sockets.push((false, desk.listens(gateway).await));
        }
        let who = if who_acts == "the device" {
            &device
        } else {
            &desk
        };
        asks(who, other, method, path, body).await;
        for (is_device, socket) in &mut sockets {
            if *is_device || stays == 0 {
                assert_eq!(socket.is_closed().await, 4004, "{what}");
            } else {
                let pong = socket.commands(json!({"type": "ping"})).await;
                assert_eq!(pong["type"], "pong", "{what}");
            }
        }
    }
    cluster.stop().await;
}

#[tokio::test]
async fn operators_end_what_an_account_has_open() {
    let cluster = Cluster::start().await;
    let vera = Person::sign_up(&cluster.api[0], "vera").await;
    let make = |role: &'static str| ["role", "--account", "vera", "--role", role];
    cluster.operator(&make("admin")).await;
    // Tokens bear the role of when they were made.
    let admin = vera.logs_in(&cluster.api[1]).await;
    let word = json!({"type": "broadcast", "content": "hello"});
    let [first, second] = &cluster.gateway;
    let mut plain = vera.listens(first).await;
    let refused = plain.commands(word.clone()).await;
    assert_eq!(refused["code"], "forbidden", "{refused}");
    let mut sockets = [admin.listens(first).await, admin.listens(second).await];
    does(&mut sockets[0], word.clone()).await;
    for socket in [&mut sockets[1], &mut plain] {
        let heard = socket.hears("broadcast").await;
        assert_eq!(heard["data"]["content"], "hello");
    }
    cluster.operator(&make("user")).await;
    for socket in sockets.iter_mut().chain([&mut plain]) {
        assert_eq!(socket.is_closed().await, 4004, "she is no admin any more");
    }
    let again = vera.logs_in(&cluster.api[0]).await;
    let mut sockets = [again.listens(first).await, again.listens(second).await];
    let refused = sockets[0].commands(word).await;
    assert_eq!(refused["code"], "forbidden");
    cluster.operator(&["suspend", "--account", "vera"]).await;
    for socket in &mut sockets {
        assert_eq!(socket.is_closed().await, 4004, "she is suspended");
    }
    cluster.operator(&["unsuspend", "--account", "vera"]).await;
    vera.logs_in(&cluster.api[0]).await;
    cluster.stop().await;
}
