//! Networks without WebSockets: a poll is promised what a socket is.

use hyper::Method;
use serde_json::Value;
use shared::testing::HttpClient;
use stories::{Cluster, Person};

/// Somebody who polls, on any gateway.
struct Poller {
    token: String,
    cursor: Option<String>,
    heard: Vec<String>,
}

impl Poller {
    fn new(person: &Person) -> Self {
        Self {
            token: person.token.clone(),
            cursor: None,
            heard: Vec::new(),
        }
    }

    async fn poll(&mut self, gateway: &HttpClient) {
        let cursor = self.cursor.as_ref();
        let query = cursor.map_or_else(String::new, |cursor| format!("?cursor={cursor}"));
        let path = format!("/events/poll{query}");
        let answer = gateway.send(Method::GET, &path, Some(&self.token), None);
        let answer = answer.await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.json);
        let events = answer.json["events"].as_array().expect("events");
        for event in events {
            assert_ne!(event["data"]["recovered"], Value::Bool(false), "{event}");
            if event["type"] == "private_message" {
                let content = event["data"]["content"].as_str().expect("a content");
                self.heard.push(content.to_owned());
            }
        }
        self.cursor = answer.json["cursor"].as_str().map(str::to_owned);
    }
}

#[tokio::test]
async fn a_poll_goes_on_at_another_gateway_when_the_first_is_killed_and_redis_has_lost_everything()
{
    let mut cluster = Cluster::start().await;
    let [api_1, api_2] = &cluster.api;
    let (ana, bo) = tokio::join!(Person::sign_up(api_1, "ana"), Person::sign_up(api_2, "bob"));
    let contents: Vec<String> = (1..=30).map(|n| format!("message {n}")).collect();
    let [first, second] = [0, 1].map(|index: usize| cluster.gateway[index].http.clone());
    let mut poller = Poller::new(&bo);
    poller.poll(&first).await;
    for content in &contents[..10] {
        ana.says(&cluster.api[0], &bo, content).await;
    }
    while poller.heard.len() < 10 {
        poller.poll(&first).await;
    }
    cluster.gateway[0].program.kill();
    for content in &contents[10..20] {
        ana.says(&cluster.api[1], &bo, content).await;
    }
    cluster.redis.restart_empty().await;
    for content in &contents[20..] {
        ana.says(&cluster.api[0], &bo, content).await;
    }
    while poller.heard.len() < contents.len() {
        poller.poll(&second).await;
    }
    assert_eq!(poller.heard, contents);
    cluster.stop().await;
}
