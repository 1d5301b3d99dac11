//! The servers behind the programs die, come back and cannot be reached: what people see meanwhile, and that nothing is lost.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use shared::testing::{Connect, ConnectError, Credentials, Received, WireClient};
use stories::{Cluster, Listener, Node, Person, Setup, Valve};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

const PATIENCE: Duration = Duration::from_secs(30);

async fn ana_and_bo(cluster: &Cluster) -> (Person, Person) {
    let [api_1, api_2] = &cluster.api;
    tokio::join!(Person::sign_up(api_1, "ana"), Person::sign_up(api_2, "bob"))
}

fn contents(count: usize) -> Vec<String> {
    let numbers = 1..=count;
    numbers.map(|number| format!("message {number}")).collect()
}

/// Says everything, by both pods in turn; from `pause` on only when it is told to go on.
async fn says_all(
    (ana, bo): (&Person, &Person),
    api: &[Node; 2],
    contents: &[String],
    (pause, go_on): (usize, oneshot::Receiver<()>),
) {
    let mut go_on = Some(go_on);
    for (number, content) in contents.iter().enumerate() {
        if number >= pause
            && let Some(go_on) = go_on.take()
        {
            go_on.await.expect("the story goes on");
        }
        ana.says(&api[number % 2], bo, content).await;
    }
}

async fn hears_until(phone: &mut Listener, last: &str, heard: &mut Vec<String>) {
    let stands = phone.hears_messages_until(last, heard).await;
    stands.expect("the connection stands");
}

/// Waits until the program shows this line among its metrics.
async fn shows(node: &Node, line: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !node
        .program
        .metrics()
        .await
        .lines()
        .any(|shown| shown == line)
    {
        assert!(Instant::now() < deadline, "{line} is not shown");
        sleep(Duration::from_millis(20)).await;
    }
}

/// What is refused with 503 and when to come back.
async fn is_turned_away(connect: &Connect) {
    match WireClient::connect(connect).await {
        Err(ConnectError::Refused {
            status,
            retry_after,
            problem,
        }) => {
            assert_eq!(
                (status.as_u16(), &problem["code"]),
                (503, &json!("unavailable"))
            );
            assert!(retry_after.is_some(), "{problem}");
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("let in"),
    }
}

#[tokio::test]
async fn postgresql_killed_and_restarted_while_messages_flow_costs_nobody_an_event() {
    let setup = Setup {
        own_postgres: true,
        ..Setup::default()
    };
    let mut cluster = Cluster::start_as(setup).await;
    let (ana, bo) = ana_and_bo(&cluster).await;
    let mut phone = bo.listens(&cluster.gateway[1]).await;
    let mut desk = ana.listens(&cluster.gateway[0]).await;
    let expected = contents(80);
    let mut heard = Vec::new();
    let typing = |verb: &str| json!({"type": format!("typing_{verb}"), "to": bo.id});
    {
        let Cluster { api, postgres, .. } = &mut cluster;
        let postgres = postgres.as_mut().expect("it has its own");
        let (go_on, told) = oneshot::channel();
        let api = &*api;
        let story = async {
            hears_until(&mut phone, "message 10", &mut heard).await;
            let answer = desk.commands(typing("stop")).await;
            assert_eq!(answer["type"], "ack", "{answer}");
            postgres.kill();

            let lost = json!({"to": bo.id, "content": "never stored"});
            let path = "/messages";
            let refused = ana.request(&api[0], Method::POST, path, Some(lost)).await;
            assert_eq!(
                (refused.status.as_u16(), refused.code()),
                (503, Some("unavailable"))
            );
            assert!(refused.headers.contains_key("retry-after"));
            let lost = json!({"type": "private", "to": bo.id, "content": "never stored"});
            let refused = desk.commands(lost).await;
            assert_eq!(refused["code"], "unavailable", "{refused}");
            assert_eq!(refused["retryable"], true, "{refused}");

            // What is not stored goes on.
            let answer = desk.commands(typing("start")).await;
            assert_eq!(answer["type"], "ack", "{answer}");
            loop {
                match phone.next().await {
                    Received::Frame(frame) if frame["type"] == "typing_start" => break,
                    Received::Frame(frame) if frame["type"] == "private_message" => {
                        heard.push(frame["data"]["content"].as_str().expect("text").to_owned());
                    }
                    Received::Frame(_) => {}
                    Received::Closed(code, reason) => panic!("closed with {code} {reason}"),
                }
            }
            go_on.send(()).expect("somebody waits");
            postgres.restart().await;
            hears_until(&mut phone, "message 80", &mut heard).await;
        };
        tokio::join!(says_all((&ana, &bo), api, &expected, (40, told)), story);
    }
    assert_eq!(heard, expected);
    cluster.stop().await;
}

#[tokio::test]
async fn a_gateway_cut_off_from_redis_and_back_has_missed_nothing() {
    let cluster = Cluster::start().await;
    let (ana, bo) = ana_and_bo(&cluster).await;
    let [first, second] = &cluster.gateway;
    let mut elsewhere = bo.listens(first).await;
    let mut phone = bo.listens(second).await;
    let expected = contents(80);
    let (mut heard, mut heard_elsewhere) = (Vec::new(), Vec::new());
    let (go_on, told) = oneshot::channel();
    let story = async {
        hears_until(&mut phone, "message 10", &mut heard).await;
        second.redis.shut();
        // The other node is not concerned.
        hears_until(&mut elsewhere, "message 40", &mut heard_elsewhere).await;
        shows(
            second,
            r#"hubbub_bus_connected{role="subscribe",shard="0"} 0"#,
        )
        .await;
        is_turned_away(&Connect::bearer(second.http.base(), &bo.token)).await;
        let pong = phone.commands(json!({"type": "ping"})).await;
        assert_eq!(pong["type"], "pong", "whoever is inside stays");
        second.redis.open();
        go_on.send(()).expect("somebody waits");
        // Alive and not deaf: all of it comes, on the same connection, without being told to reload.
        hears_until(&mut phone, "message 80", &mut heard).await;
        hears_until(&mut elsewhere, "message 80", &mut heard_elsewhere).await;
    };
    tokio::join!(
        says_all((&ana, &bo), &cluster.api, &expected, (40, told)),
        story
    );
    assert_eq!(heard, expected);
    assert_eq!(heard_elsewhere, expected);
    cluster.stop().await;
}

#[tokio::test]
async fn gateways_cut_off_from_the_api_say_so_and_go_on() {
    let cluster = Cluster::start().await;
    let (ana, bo) = ana_and_bo(&cluster).await;
    let [gateway, _] = &cluster.gateway;
    let mut phone = bo.listens(gateway).await;
    let ticket = bo
        .request(&cluster.api[0], Method::POST, "/realtime/token", None)
        .await;
    for way in &cluster.api_ways {
        way.cut();
    }

    // Where only the API knows who it is, nobody can come in.
    let mut connect = Connect::bearer(gateway.http.base(), "");
    let ticket = ticket.json["token"].as_str().expect("a ticket").to_owned();
    connect.credentials = Credentials::Query(ticket);
    is_turned_away(&connect).await;
    let message = json!({"type": "private", "to": ana.id, "content": "hello"});
    let refused = phone.commands(message.clone()).await;
    assert_eq!(refused["type"], "error", "{refused}");
    assert_eq!(refused["retryable"], true, "{refused}");

    // What happens is heard, on sockets that were open, and on those that are opened with a token.
    let mut heard = Vec::new();
    let mut late = bo.listens(gateway).await;
    ana.says(&cluster.api[0], &bo, "meanwhile").await;
    for phone in [&mut phone, &mut late] {
        hears_until(phone, "meanwhile", &mut heard).await;
    }
    assert_eq!(heard, ["meanwhile", "meanwhile"]);

    for way in &cluster.api_ways {
        way.open();
    }
    let done = phone.commands(message).await;
    assert_eq!(done["type"], "ack", "{done}");
    cluster.stop().await;
}

#[tokio::test]
async fn a_redis_restarted_with_its_data_knows_what_it_knew() {
    let setup = Setup {
        redis_keeps: true,
        ..Setup::default()
    };
    let mut cluster = Cluster::start_as(setup).await;
    let (ana, bo) = ana_and_bo(&cluster).await;
    let mut phone = bo.listens(&cluster.gateway[1]).await;
    let mut away = bo.listens(&cluster.gateway[0]).await;
    away.goes_away();
    let expected = contents(80);
    let mut heard = Vec::new();
    {
        let Cluster { api, redis, .. } = &mut cluster;
        let (go_on, told) = oneshot::channel();
        let story = async {
            hears_until(&mut phone, "message 20", &mut heard).await;
            redis.restart_with_its_data().await;
            go_on.send(()).expect("somebody waits");
            hears_until(&mut phone, "message 80", &mut heard).await;
        };
        tokio::join!(says_all((&ana, &bo), api, &expected, (40, told)), story);
    }
    assert_eq!(heard, expected);

    // Whoever comes back is served from Redis alone, also with what happened before the restart: this node has just begun, and the
    // API cannot be reached.
    cluster.gateway[0].program.restart().await;
    for way in &cluster.api_ways {
        way.cut();
    }
    heard.clear();
    away.come_back(&cluster.gateway[0]).await;
    hears_until(&mut away, "message 80", &mut heard).await;
    assert_eq!(heard, expected);
    cluster.stop().await;
}

#[tokio::test]
async fn whoever_was_too_slow_comes_back_to_everything() {
    let settings = [("QUEUE_BYTES", "131072")];
    let cluster = Cluster::start_with(&settings).await;
    let (ana, bo) = ana_and_bo(&cluster).await;
    let [gateway, other] = &cluster.gateway;
    let way: Valve = gateway.valve_before().await;
    let http = shared::testing::HttpClient::new(&format!("http://{}", way.addr()));
    let mut phone = bo.listens_through(&http, serde_json::Map::new()).await;
    way.shut();
    let filler = "x".repeat(9_000);
    let mut said = 0;
    let slow = r#"hubbub_gateway_connections_closed_total{reason="slow_consumer",transport="websocket"} 1"#;
    while !gateway
        .program
        .metrics()
        .await
        .lines()
        .any(|line| line == slow)
    {
        assert!(said < 400, "nobody was too slow");
        for _ in 0..10 {
            said += 1;
            ana.says(&cluster.api[0], &bo, &format!("{said} {filler}"))
                .await;
        }
    }
    way.open();
    ana.says(&cluster.api[1], &bo, "the last").await;

    // What was on its way comes, then the reason; what was not, on another node.
    let mut heard = Vec::new();
    let code = loop {
        match phone.next().await {
            Received::Frame(frame) => heard.extend(message(&frame)),
            Received::Closed(code, _) => break code,
        }
    };
    assert_eq!(code, 4201);
    assert!(heard.len() < said, "{} of {said}", heard.len());
    phone.come_back(other).await;
    let channel = format!("user:{}", bo.id);
    let start = &phone.welcome["data"]["channels"][channel];
    assert_eq!(start["recovered"], true, "{start}");
    hears_until(&mut phone, "the last", &mut heard).await;
    let numbers: Vec<usize> = heard[..said]
        .iter()
        .map(|content| {
            content
                .split_once(' ')
                .expect("a number")
                .0
                .parse()
                .expect("a number")
        })
        .collect();
    assert_eq!(numbers, (1..=said).collect::<Vec<_>>());
    assert_eq!(heard.len(), said + 1);
    cluster.stop().await;
}

/// What a message says.
fn message(frame: &Value) -> Option<String> {
    let is_message = frame["type"] == "private_message";
    is_message.then(|| frame["data"]["content"].as_str().expect("text").to_owned())
}
