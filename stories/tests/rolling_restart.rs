//! A new release: every gateway is drained and started again, one after the other, while messages flow; and what is left of one
//! that had to cut somebody.

use serde_json::Value;
use stories::{Cluster, Listener, Node, Person};
use tokio::time::{Duration, timeout};

const PHONES: usize = 8;
const MESSAGES: usize = 400;
/// So many were sent when the first gateway is told to go, and the second.
const TURNS: [usize; 2] = [40, 160];

/// Listens until the last message, coming back to the other gateway whenever it is sent away. Returns what it heard, and
/// how often it came back.
async fn listens_to_the_end(
    mut phone: Listener,
    gateways: [shared::testing::HttpClient; 2],
    mut here: usize,
    last: &str,
) -> (Vec<String>, usize) {
    let (mut heard, mut returns) = (Vec::new(), 0);
    while phone.hears_messages_until(last, &mut heard).await.is_none() {
        here = 1 - here;
        phone.come_back_to(&gateways[here]).await;
        returns += 1;
        let channels = phone.welcome["data"]["channels"].as_object();
        let channels = channels.expect("channels").values();
        let lost: Vec<&Value> = channels
            .filter(|start| start["recovered"] == Value::Bool(false))
            .collect();
        assert!(lost.is_empty(), "{}", phone.welcome);
    }
    (heard, returns)
}

/// Drains a gateway, and starts it again.
async fn is_replaced(gateway: &mut Node) {
    let code = gateway.program.terminate().await;
    assert_eq!(code, Some(0), "it leaves in peace");
    gateway.program.restart().await;
}

#[tokio::test]
async fn a_rolling_restart_costs_nobody_an_event() {
    let settings = [
        ("DRAIN_DELAY", "300ms"),
        ("DRAIN_WINDOW", "1s"),
        ("DRAIN_FLUSH", "4s"),
    ];
    let mut cluster = Cluster::start_with(&settings).await;
    let [api_1, api_2] = &cluster.api;
    let (ana, bo) = tokio::join!(Person::sign_up(api_1, "ana"), Person::sign_up(api_2, "bob"));
    let addresses = [0, 1].map(|index: usize| cluster.gateway[index].http.clone());
    let contents: Vec<String> = (1..=MESSAGES).map(|n| format!("message {n}")).collect();
    let last = contents[MESSAGES - 1].clone();
    let mut phones = Vec::new();
    for number in 0..PHONES {
        let here = number % 2;
        let phone = bo.listens(&cluster.gateway[here]).await;
        let (addresses, last) = (addresses.clone(), last.clone());
        let listens = async move { listens_to_the_end(phone, addresses, here, &last).await };
        phones.push(tokio::spawn(listens));
    }

    let (turn, mut turns) = tokio::sync::mpsc::channel(TURNS.len());
    let (done, mut replaced) = tokio::sync::mpsc::channel::<()>(1);
    let gateways = &mut cluster.gateway;
    let replacing = async {
        for gateway in gateways {
            turns.recv().await.expect("a turn");
            is_replaced(gateway).await;
        }
        drop(done);
    };
    let sending = async {
        for (number, content) in contents.iter().enumerate() {
            if TURNS.contains(&number) {
                turn.send(()).await.expect("somebody waits for it");
            }
            if number == MESSAGES - 1 {
                // The last one is for everybody who has come back.
                replaced.recv().await;
            }
            ana.says(&cluster.api[number % 2], &bo, content).await;
        }
    };
    tokio::join!(replacing, sending);

    for phone in phones {
        let (heard, returns) = phone.await.expect("it listens to the end");
        assert_eq!(heard, contents);
        assert!((1..=2).contains(&returns), "it came back {returns} times");
    }
    cluster.stop().await;
}

/// An end that waits for nobody; far below `METRICS_LINGER` of the story.
async fn ends_soon(gateway: &mut Node) {
    let ended = timeout(Duration::from_secs(30), gateway.program.terminate());
    assert_eq!(ended.await.expect("it does not linger"), Some(0));
}

#[tokio::test]
async fn what_a_gateway_had_to_cut_is_there_to_be_scraped() {
    let settings = [
        ("DRAIN_DELAY", "0s"),
        ("DRAIN_WINDOW", "100ms"),
        ("DRAIN_FLUSH", "1s"),
        ("METRICS_LINGER", "2m"),
    ];
    let mut cluster = Cluster::start_with(&settings).await;
    let [api_1, api_2] = &cluster.api;
    let (ana, bo) = tokio::join!(Person::sign_up(api_1, "ana"), Person::sign_up(api_2, "bob"));
    let mut stubborn = bo.listens(&cluster.gateway[0]).await;
    stubborn.reads_slowly();
    stubborn.come_back(&cluster.gateway[0]).await;
    let mut polite = ana.listens(&cluster.gateway[1]).await;
    // More than it reads: it will not hear that it should leave.
    for content in ["one", "two", "three", "four"] {
        ana.says(api_1, &bo, content).await;
    }

    let [first, second] = &mut cluster.gateway;
    let leaving = tokio::spawn(async move { polite.is_closed().await });
    ends_soon(second).await;
    assert_eq!(leaving.await.expect("it is told"), 1001);

    first.program.tell_to_end();
    let cut = r#"hubbub_gateway_drain_closed_total{how="forced"} 1"#;
    first.program.shows(cut).await;
    let open = r#"hubbub_gateway_connections{transport="websocket"} 0"#;
    first.program.shows(open).await;
    let healthy = first.http.send(hyper::Method::GET, "/healthz", None, None);
    assert!(healthy.await.is_err(), "the public port is closed");
    // The second word.
    ends_soon(first).await;
    drop(stubborn);
    cluster.stop().await;
}
