//! A roll-out as an operator does it: all four programs end and start again, one after the other, behind `HAProxy` and under load.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::Method;
use serde_json::{Map, Value, json};
use shared::testing::HttpClient;
use stories::{Balancer, Cluster, Listener, Person};
use tokio::time::{Instant, sleep};

/// Sockets of the one who listens.
const PHONES: usize = 40;
const READERS: usize = 4;
/// Between two requests of somebody; some hundred a second together.
const PAUSE: Duration = Duration::from_millis(20);
const WINDOW: Duration = Duration::from_secs(3);
/// Reconnects are counted in slices of this length.
const SLICE: Duration = Duration::from_millis(250);

/// Asks until told to stop, and never twice: whatever is not served has failed.
async fn reads(http: HttpClient, token: String, stop: Arc<AtomicBool>) -> Result<usize, String> {
    let mut served = 0;
    while !stop.load(Ordering::Relaxed) {
        let path = "/api/v1/conversations";
        served_well(http.send(Method::GET, path, Some(&token), None).await)?;
        served += 1;
        sleep(PAUSE).await;
    }
    Ok(served)
}

fn served_well(
    answer: Result<shared::testing::Answer, impl std::fmt::Display>,
) -> Result<(), String> {
    match answer {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(answer) => Err(format!("{}: {}", answer.status, answer.json)),
        Err(error) => Err(error.to_string()),
    }
}

/// Sends until told to stop, and then the last one. Answers everything that was said.
async fn writes(
    http: HttpClient,
    (token, to): (String, i64),
    stop: Arc<AtomicBool>,
) -> Result<Vec<String>, String> {
    let mut said = Vec::new();
    loop {
        let is_last = stop.load(Ordering::Relaxed);
        let content = if is_last {
            "the last one".to_owned()
        } else {
            format!("message {}", said.len())
        };
        let message = json!({"to": to, "content": content});
        let path = "/api/v1/messages";
        served_well(
            http.send(Method::POST, path, Some(&token), Some(&message))
                .await,
        )?;
        said.push(content);
        if is_last {
            return Ok(said);
        }
        sleep(PAUSE).await;
    }
}

/// What one socket heard, and when it came back.
async fn hears_all(mut phone: Listener, http: HttpClient) -> (Vec<String>, Vec<Instant>) {
    let (mut heard, mut returns) = (Vec::new(), Vec::new());
    while phone
        .hears_messages_until("the last one", &mut heard)
        .await
        .is_none()
    {
        returns.push(Instant::now());
        phone.come_back_to(&http).await;
        let channels = phone.welcome["data"]["channels"]
            .as_object()
            .expect("channels");
        let is_lost = |start: &Value| start["recovered"] == Value::Bool(false);
        assert!(!channels.values().any(is_lost), "{}", phone.welcome);
    }
    (heard, returns)
}

async fn everything_is_replaced(cluster: &mut Cluster, balancer: &Balancer) {
    for (index, server) in ["api-1", "api-2"].into_iter().enumerate() {
        let program = &mut cluster.api[index].program;
        assert_eq!(program.terminate().await, Some(0), "{server}");
        program.restart().await;
        balancer.sees(server, "UP").await;
    }
    for (index, server) in ["gateway-1", "gateway-2"].into_iter().enumerate() {
        let program = &mut cluster.gateway[index].program;
        assert_eq!(program.terminate().await, Some(0), "{server}");
        balancer.sees(server, "DOWN").await;
        program.restart().await;
        balancer.sees(server, "UP").await;
    }
}

/// How many came back in each slice of time.
fn slices(mut returns: Vec<Instant>) -> Vec<usize> {
    returns.sort();
    let first = *returns.first().expect("somebody came back");
    let mut slices = Vec::new();
    for at in returns {
        let slice = usize::try_from((at - first).as_millis() / SLICE.as_millis()).expect("few");
        slices.resize(slices.len().max(slice + 1), 0);
        slices[slice] += 1;
    }
    slices
}

#[tokio::test]
async fn a_roll_out_fails_no_request_and_loses_no_event() {
    let window = format!("{}s", WINDOW.as_secs());
    let settings = [
        ("DRAIN_DELAY", "3s"),
        ("DRAIN_WINDOW", window.as_str()),
        ("DRAIN_FLUSH", "4s"),
        ("CONNECTIONS_PER_USER", "64"),
    ];
    let mut cluster = Cluster::start_with(&settings).await;
    let balancer = Balancer::before(&cluster).await;
    let [api_1, api_2] = &cluster.api;
    let (ana, bob) = tokio::join!(Person::sign_up(api_1, "ana"), Person::sign_up(api_2, "bob"));
    let mut phones = Vec::new();
    for _ in 0..PHONES {
        let phone = bob.listens_through(&balancer.http, Map::new()).await;
        phones.push(tokio::spawn(hears_all(phone, balancer.http.clone())));
    }
    let stop = Arc::<AtomicBool>::default();
    let readers: Vec<_> = (0..READERS)
        .map(|_| reads(balancer.http.clone(), ana.token.clone(), Arc::clone(&stop)))
        .map(tokio::spawn)
        .collect();
    let writer = writes(
        balancer.http.clone(),
        (ana.token.clone(), bob.id),
        Arc::clone(&stop),
    );
    let writer = tokio::spawn(writer);

    everything_is_replaced(&mut cluster, &balancer).await;
    stop.store(true, Ordering::Relaxed);

    let mut requests = 0;
    for reader in readers {
        requests += reader
            .await
            .expect("it reads")
            .expect("every request is served");
    }
    let said = writer
        .await
        .expect("it writes")
        .expect("every request is served");
    let mut returns = Vec::new();
    for phone in phones {
        let (heard, came_back) = phone.await.expect("it listens to the end");
        assert!(
            heard == said,
            "{} of {} were heard",
            heard.len(),
            said.len()
        );
        assert!(!came_back.is_empty(), "it was on one of the two");
        returns.extend(came_back);
    }
    let count = returns.len();
    let slices = slices(returns);
    eprintln!(
        "{} requests served, {} messages to {PHONES} sockets each heard once; {count} reconnects, in slices of {} ms: {slices:?}",
        requests + said.len(),
        said.len(),
        SLICE.as_millis()
    );
    // A herd would be two slices.
    let busiest = slices.iter().max().expect("there are some");
    assert!(busiest * 4 < count, "not spread: {slices:?}");
    cluster.stop().await;
}
