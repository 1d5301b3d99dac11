//! Long polling: nothing is kept between two polls, and nothing is lost between them.

use hyper::Method;
use serde_json::{Value, json};
use shared::{
    testing::{Answer, Credentials, HttpClient, event},
    wire::Class,
};

use crate::harness::{Gateway, channel, until};

const WAIT: (&str, &str) = ("POLL_WAIT", "60s");

/// Waits until a poll is waiting that comes after so many.
async fn is_waiting(gateway: &Gateway, polls: u64) {
    until(|| welcomed(gateway) > polls).await;
}

/// Polls that were let in, so far.
fn welcomed(gateway: &Gateway) -> u64 {
    gateway.metric(r#"hubbub_gateway_handshake_duration_seconds_count{transport="poll"}"#)
}

struct Poller {
    http: HttpClient,
    token: String,
    cursor: Option<String>,
}

impl Poller {
    fn new(gateway: &Gateway) -> Self {
        Self {
            http: HttpClient::new(&gateway.base),
            token: gateway.token(1),
            cursor: None,
        }
    }

    async fn ask(&self) -> Answer {
        let cursor = self.cursor.as_ref();
        let query = cursor.map_or_else(String::new, |cursor| format!("?cursor={cursor}"));
        let path = format!("/events/poll{query}");
        let asked = self.http.send(Method::GET, &path, Some(&self.token), None);
        asked.await.unwrap()
    }

    /// The events of the next poll.
    async fn poll(&mut self) -> Vec<Value> {
        let answer = self.ask().await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        assert_eq!(answer.headers["cache-control"], "no-store");
        self.cursor = Some(answer.json["cursor"].as_str().unwrap().to_owned());
        answer.json["events"].as_array().unwrap().clone()
    }

    /// The offsets of the next durable events, in however many polls.
    async fn offsets(&mut self, count: usize) -> Vec<u64> {
        let mut offsets = Vec::new();
        while offsets.len() < count {
            let events = self.poll().await;
            offsets.extend(events.iter().filter_map(|event| event["offset"].as_u64()));
        }
        offsets
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_poll_says_where_it_stands_and_the_next_brings_what_came() {
    let gateway = Gateway::start_with(&[WAIT]).await;
    gateway.publish(1, 2).await;
    let mut poller = Poller::new(&gateway);
    let welcome = poller.poll().await;
    assert_eq!(welcome.len(), 1);
    assert_eq!(welcome[0]["type"], "welcome");
    assert_eq!(welcome[0]["data"]["channels"]["user:1"]["offset"], 2);

    gateway.publish(1, 3).await;
    assert_eq!(poller.offsets(3).await, [3, 4, 5]);
    let polls = welcomed(&gateway);
    let (events, ()) = tokio::join!(poller.poll(), async {
        is_waiting(&gateway, polls).await;
        gateway.publish(1, 1).await;
    });
    assert_eq!(events[0]["offset"], 6);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_in_vain_ends_and_costs_nothing() {
    let gateway = Gateway::start_with(&[("POLL_WAIT", "100ms"), ("HEARTBEAT", "50ms")]).await;
    let mut poller = Poller::new(&gateway);
    poller.poll().await;
    let cursor = poller.cursor.clone();
    assert_eq!(poller.poll().await, Vec::<Value>::new());
    assert_eq!(poller.cursor, cursor);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_bounded_and_the_cursor_knows_where_it_ends() {
    let gateway = Gateway::start_with(&[WAIT, ("QUEUE_FRAMES", "16")]).await;
    let mut poller = Poller::new(&gateway);
    poller.poll().await;
    gateway.publish(1, 100).await;
    let mut offsets = Vec::new();
    while offsets.len() < 100 {
        let events = poller.poll().await;
        assert!(events.len() <= 16, "{}", events.len());
        offsets.extend(events.iter().map(|event| event["offset"].as_u64().unwrap()));
    }
    let expected: Vec<u64> = (1..=100).collect();
    assert_eq!(offsets, expected);
    let slow =
        r#"hubbub_gateway_connections_closed_total{reason="slow_consumer",transport="poll"}"#;
    assert_eq!(gateway.metric(slow), 0);
    gateway.stop().await;
}

/// A burst that is larger than an answer while a poll waits.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_comes_with_the_next_answer() {
    let gateway = Gateway::start_with(&[WAIT, ("QUEUE_FRAMES", "16")]).await;
    let mut poller = Poller::new(&gateway);
    poller.poll().await;
    let polls = welcomed(&gateway);
    let (first, ()) = tokio::join!(poller.poll(), async {
        is_waiting(&gateway, polls).await;
        gateway.publish(1, 100).await;
    });
    let mut offsets: Vec<u64> = first.iter().filter_map(|e| e["offset"].as_u64()).collect();
    offsets.extend(poller.offsets(100 - offsets.len()).await);
    let expected: Vec<u64> = (1..=100).collect();
    assert_eq!(offsets, expected);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_kept_is_heard_while_waiting() {
    let gateway = Gateway::start_with(&[WAIT]).await;
    let mut poller = Poller::new(&gateway);
    poller.poll().await;
    let mut chatter = event(channel(1), None);
    chatter.class = Class::Chatter;
    let publish = async {
        loop {
            let one = std::slice::from_ref(&chatter);
            gateway.bus.publish(one).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let events = tokio::select! {
        events = poller.poll() => events,
        () = publish => unreachable!(),
    };
    assert_eq!(events[0]["type"], &*chatter.kind);
    assert_eq!(events[0]["offset"], Value::Null);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_is_told_at_once() {
    let gateway = Gateway::start_with(&[WAIT]).await;
    // From before the database was restored, so to speak.
    let another_life = Gateway::start().await;
    let mut poller = Poller::new(&another_life);
    poller.poll().await;
    poller.http = HttpClient::new(&gateway.base);
    gateway.publish(1, 3).await;
    let events = poller.poll().await;
    let start = &events[0]["data"]["channels"]["user:1"];
    assert_eq!(start["recovered"], json!(false), "{events:?}");
    assert_eq!(start["reason"], "epoch_changed");
    assert_eq!(start["offset"], 3);
    gateway.publish(1, 1).await;
    assert_eq!(poller.offsets(1).await, [4]);
    another_life.stop().await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_gives_no_right_to_hear() {
    let gateway = Gateway::start_with(&[WAIT]).await;
    let mut poller = Poller::new(&gateway);
    poller.poll().await;
    // Somebody else's cursor.
    poller.token = gateway.token(2);
    gateway.publish(1, 1).await;
    let events = poller.poll().await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["type"], "error");
    assert_eq!(events[0]["code"], "forbidden");
    let cursor = poller.cursor.clone();
    gateway.publish(2, 1).await;
    let events = poller.poll().await;
    assert_eq!(events[0]["channel"], "user:2");
    assert_ne!(poller.cursor, cursor);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_told_in_the_answer() {
    let gateway = Gateway::start_with(&[WAIT]).await;
    let mut poller = Poller::new(&gateway);
    poller.poll().await;
    let polls = welcomed(&gateway);
    let (events, ()) = tokio::join!(poller.poll(), async {
        is_waiting(&gateway, polls).await;
        gateway.revoke(1, 1).await;
    });
    let kinds: Vec<&str> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["session_revoked", "close"]);
    assert_eq!(events[1]["data"]["code"], 4004);

    let mut other = Poller::new(&gateway);
    other.token = gateway.token(2);
    other.poll().await;
    let polls = welcomed(&gateway);
    let (events, ()) = tokio::join!(other.poll(), async {
        is_waiting(&gateway, polls).await;
        gateway.lifecycle.drain();
    });
    assert_eq!(events.last().unwrap()["type"], "reconnect");
    gateway.stop().await;
}

/// Two nodes on one Redis; every poll goes to the other one.
#[tokio::test(flavor = "multi_thread")]
async fn any_node_goes_on() {
    let here = Gateway::start_with(&[WAIT]).await;
    let there = here.neighbour(&[WAIT]).await;
    let mut poller = Poller::new(&here);
    poller.poll().await;
    let nodes = [HttpClient::new(&there.base), HttpClient::new(&here.base)];
    let mut offsets = Vec::new();
    for node in nodes.iter().cycle().take(6) {
        here.publish(1, 5).await;
        poller.http = node.clone();
        offsets.extend(poller.offsets(5).await);
    }
    let expected: Vec<u64> = (1..=30).collect();
    assert_eq!(offsets, expected);
    there.stop().await;
    here.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_a_poll_says_when_to_come_back() {
    let mut redis = shared::testing::RedisServer::start().await;
    let settings = [("REDIS_TIMEOUT", "500ms")];
    let gateway = Gateway::start_on(&redis.settings(), &settings).await;
    let connect = gateway.connect(Credentials::Bearer(gateway.token(1)));
    crate::harness::welcomed(&connect).await.unwrap();
    redis.kill();
    let answer = Poller::new(&gateway).ask().await;
    assert_eq!(answer.status, 503);
    assert!(answer.headers.contains_key("retry-after"));
    gateway.stop().await;
}
