//! Connections on a shard without its thread: what becomes of what their sessions want.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use shared::{
    clock::Clock,
    config::{Outcome, load},
    credentials::{Role, Standing},
    ids::{SessionId, UserId},
    lifecycle::Lifecycle,
    membership::AtTheDoor,
    telemetry::metrics::Metrics,
    testing::{event, shared_redis},
    wire::{Channel, Class, CloseReason},
};
use tokio::time::{Instant, timeout};

use super::position;
use crate::{
    codec::{
        Encoded, Frame,
        native::{self, ChannelStart},
    },
    config::Config,
    hub::{
        conditions::Conditions,
        entries::Key,
        inbox::{Arrival, Message},
        sockets::Sockets,
        state::{State, Task},
    },
    node::{Node, Started},
    session::{Effect, Introduction, Path, Resume, Who},
    transport::{Cursor, Outlet, Poll, Terms},
};

/// Above what anything takes, so that a slow machine fails no test.
const PATIENCE: Duration = Duration::from_secs(20);
const SECRET: &str = "a secret for tests of 32 bytes and more";
const QUEUE_FRAMES: usize = 4;
const RESUME: &str = r#"{"user:1":{"epoch":"0000000000000001","offset":7}}"#;

struct Bench {
    state: State,
    started: Started,
    metrics: Metrics,
    _sockets: Sockets,
}

fn websocket() -> Outlet {
    Outlet::WebSocket(Terms {
        window: None,
        lines: false,
    })
}

fn text() -> Frame {
    Frame::text(b"{}")
}

impl Bench {
    fn start() -> Self {
        let redis = shared_redis();
        let settings = [
            ("REDIS_URL", redis.url.as_str()),
            ("REDIS_PREFIX", &redis.prefix),
            ("JWT_SECRET", SECRET),
            ("API_URL", "http://127.0.0.1:1"),
            ("QUEUE_FRAMES", &QUEUE_FRAMES.to_string()),
            ("SHARDS", "1"),
        ];
        let given = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let Outcome::Loaded(config) = load(given, [], Config::read) else {
            panic!("these settings are good");
        };
        let metrics = Metrics::default();
        let started = Node::start(config, Clock::System, Lifecycle::default(), &metrics).unwrap();
        let sockets = Sockets::new().unwrap();
        let conditions = Conditions::of(&started.node);
        Self {
            state: State::new(conditions, sockets.watch().unwrap()),
            started,
            metrics,
            _sockets: sockets,
        }
    }

    /// A connection of this user, and its client's end.
    fn arrives(&mut self, number: i64, outlet: Outlet, resume: &str) -> (Key, TcpStream) {
        let node = &self.started.node;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let user_id = UserId::new(number).unwrap();
        let place = Arc::clone(&node.places.connections)
            .try_acquire_owned()
            .unwrap();
        let opened = node.metrics.opened(outlet.transport(), Instant::now());
        self.state.arrive(Arrival {
            stream,
            unread: Vec::new(),
            outlet,
            introduction: introduction(user_id, resume),
            line: node.roster.write(user_id, 0, node.presence.come(user_id)),
            guards: (place, opened),
        });
        let newest = |key: &Key| self.state.connections.came_after(*key);
        let key = self.state.keys().min_by_key(newest).unwrap();
        (key, client)
    }

    fn blocked(&mut self, number: i64) -> (Key, TcpStream) {
        let (key, client) = self.arrives(number, websocket(), "{}");
        self.state.get(key).unwrap().is_blocked = true;
        (key, client)
    }

    fn hears_of_somebody(&mut self, key: Key, number: i64) {
        let mut told = event(Channel::User(UserId::new(number).unwrap()), None);
        told.class = Class::State;
        told.kind = "user_connected".into();
        let encoded = Encoded::new(Arc::new(told)).unwrap();
        self.state.deliver(key, &encoded, Path::Live);
    }

    fn hears_somebody_type(&mut self, key: Key, count: usize) {
        let mut typing = event("user:9".parse().unwrap(), None);
        typing.class = Class::Chatter;
        let encoded = Encoded::new(Arc::new(typing)).unwrap();
        for _ in 0..count {
            self.state.deliver(key, &encoded, Path::Live);
        }
    }

    fn sends(&mut self, key: Key, count: usize) {
        for _ in 0..count {
            self.state.send(key, &text());
        }
    }

    /// Whom the shard is to ask to ask, of the next so many.
    async fn asked(&mut self, count: usize) -> BTreeSet<Channel> {
        let inbox = &mut self.started.inboxes[0];
        let mut asked = BTreeSet::new();
        while asked.len() < count {
            let mut messages = Vec::new();
            let received = timeout(PATIENCE, inbox.receive(&mut messages, 1));
            received.await.expect("somebody is asked in time");
            for message in messages {
                if let Message::Event(encoded) = message
                    && &*encoded.event.kind == "presence_changed"
                {
                    asked.insert(encoded.event.channel);
                }
            }
        }
        asked
    }

    fn resumes_that_failed(&self) -> u64 {
        let series = r#"hubbub_gateway_resumes_total{result="error",transport="websocket"} "#;
        let text = String::from_utf8(self.metrics.render().unwrap()).unwrap();
        let mut values = text.lines().filter_map(|line| line.strip_prefix(series));
        values.next().unwrap().parse().unwrap()
    }
}

fn introduction(user_id: UserId, resume: &str) -> Introduction {
    Introduction {
        connection_id: "c".to_owned(),
        who: Who {
            user_id,
            session_id: SessionId::new(1).unwrap(),
            role: Role::User,
            expires_at: 4_000_000_000,
        },
        resume_token: "t".to_owned(),
        resume: Resume::parse(resume.as_bytes()).unwrap(),
        at_the_door: AtTheDoor {
            at: None,
            standing: Standing::Stands,
            memberships: None,
        },
        jitter: 0.0,
    }
}

/// Frames about presence tell differences: one that is lost leaves a wrong picture for ever, if nothing is done about it.
#[tokio::test]
async fn whoever_lost_word_of_who_is_online_is_asked_to_ask() {
    let mut bench = Bench::start();
    let (evicted, _first) = bench.blocked(1);
    bench.hears_of_somebody(evicted, 1);
    bench.sends(evicted, QUEUE_FRAMES);
    let (fine, _second) = bench.blocked(2);
    bench.hears_of_somebody(fine, 2);
    bench.sends(fine, QUEUE_FRAMES - 1);
    let (kept_out, _third) = bench.blocked(3);
    bench.sends(kept_out, QUEUE_FRAMES);
    bench.hears_of_somebody(kept_out, 3);

    let expected = ["user:1", "user:3"].map(|channel| channel.parse().unwrap());
    assert_eq!(bench.asked(2).await, BTreeSet::from(expected));
    for key in [evicted, fine, kept_out] {
        let connection = bench.state.get(key).unwrap();
        assert!(connection.closing.is_none());
        assert_eq!(connection.queue.waiting().0, QUEUE_FRAMES);
    }
}

/// How long a burst is depends on how late the shard is, which is no fault of a client that reads.
#[tokio::test]
async fn of_a_burst_only_a_client_that_does_not_read_loses_something() {
    let mut bench = Bench::start();
    let (reads, client) = bench.arrives(1, websocket(), "{}");
    let (blocked, _other) = bench.blocked(2);
    for key in [reads, blocked] {
        bench.hears_somebody_type(key, 5 * QUEUE_FRAMES);
    }
    bench.state.flush();
    let waiting = |key, bench: &mut Bench| bench.state.get(key).unwrap().queue.waiting().0;
    assert_eq!(waiting(blocked, &mut bench), QUEUE_FRAMES / 2);
    assert_eq!(waiting(reads, &mut bench), 0);
    bench.state.remove(reads);
    let mut heard = Vec::new();
    { client }.read_to_end(&mut heard).unwrap();
    let heard = String::from_utf8_lossy(&heard);
    assert_eq!(heard.matches("user:9").count(), 5 * QUEUE_FRAMES);
}

#[tokio::test]
async fn those_who_came_last_are_sent_away_first() {
    let mut bench = Bench::start();
    let keys: Vec<(Key, TcpStream)> = (1..=3)
        .map(|number| bench.arrives(number, websocket(), "{}"))
        .collect();
    bench.state.remove(keys[0].0);
    // Into the place that became free.
    let (last, _client) = bench.arrives(4, websocket(), "{}");
    bench.state.take_tasks();
    let shed = Message::Shed(2, Duration::from_secs(1));
    bench.state.on_message(shed);
    let sent_away = bench
        .state
        .take_tasks()
        .into_iter()
        .find_map(|task| match task {
            Task::SendAway(keys, _, _) => Some(keys),
            _ => None,
        });
    assert_eq!(sent_away, Some(vec![last, keys[2].0]));
}

/// Of a client that is told its stream goes on elsewhere, in the last frame that fits and in the first that does not.
#[tokio::test]
async fn a_cursor_is_never_ahead_of_what_was_told() {
    for (before, told, offset) in [
        (QUEUE_FRAMES - 1, QUEUE_FRAMES, 20),
        (QUEUE_FRAMES, QUEUE_FRAMES, 10),
    ] {
        let mut bench = Bench::start();
        let poll = Outlet::Poll(Box::new(Poll::new(true, String::new())));
        let (key, mut client) = bench.arrives(1, poll, "{}");
        let channel: Channel = "user:1".parse().unwrap();
        let starts = BTreeMap::from([(channel, ChannelStart::fresh(position(10)))]);
        let mut effects = vec![Effect::Welcome(text(), starts)];
        effects.extend((1..before).map(|_| Effect::Send(text())));
        let resync = native::resync(channel, position(20));
        effects.push(Effect::Moved(resync, channel, position(20)));
        bench.state.perform(key, &mut effects);
        bench.state.flush();
        bench.state.remove(key);

        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["events"].as_array().unwrap().len(), told);
        let mut cursor = Cursor::default();
        cursor.set(channel, position(offset));
        assert_eq!(body["cursor"], cursor.encode());
    }
}

#[tokio::test]
async fn a_resume_that_ends_before_its_welcome_failed() {
    let mut bench = Bench::start();
    for (what, resume, is_closed, failed) in [
        ("the client left", RESUME, false, 1),
        ("nothing was asked for", "{}", false, 1),
        ("we closed it", RESUME, true, 2),
    ] {
        let (key, client) = bench.arrives(1, websocket(), resume);
        drop(client);
        if is_closed {
            bench.state.close(key, CloseReason::Overloaded, None);
        }
        bench.state.remove(key);
        assert_eq!(bench.resumes_that_failed(), failed, "{what}");
    }
}
