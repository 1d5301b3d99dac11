//! When a node asks for traffic, and when it has enough.

use std::time::Duration;

use hyper::Method;
use shared::testing::{Credentials, HttpClient, RedisServer};

use crate::{
    connect::refusal,
    harness::{Gateway, until},
};

async fn readyz(gateway: &Gateway) -> (u16, String) {
    let http = HttpClient::new(&gateway.base);
    let answer = http.send(Method::GET, "/readyz", None, None).await.unwrap();
    let word = String::from_utf8(answer.body.to_vec()).unwrap();
    (answer.status.as_u16(), word)
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_has_to_be_seen_once_and_may_go_afterwards() {
    let mut redis = RedisServer::start().await;
    let settings = redis.settings();
    redis.kill();
    let gateway = Gateway::begin_on(&settings, &[("REDIS_TIMEOUT", "500ms")]).await;
    // It has asked in vain more than once by then.
    let waited = tokio::time::timeout(Duration::from_secs(2), gateway.is_ready()).await;
    assert!(waited.is_err(), "ready without Redis");
    assert_eq!(readyz(&gateway).await, (503, "starting\n".to_owned()));
    let (status, code) = refusal(&gateway, Credentials::Bearer(gateway.token(1))).await;
    assert_eq!((status, code.as_str()), (503, "unavailable"));

    redis.restart_empty().await;
    gateway.is_ready().await;
    assert_eq!(readyz(&gateway).await, (200, "ready\n".to_owned()));
    redis.kill();
    assert_eq!(readyz(&gateway).await.0, 200);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_nearly_full_asks_for_no_more_until_it_is_well_below() {
    // Nine tenths of ten.
    let settings = [("CONNECTIONS_MAX", "10"), ("BALANCE", "100ms")];
    let gateway = Gateway::start_with(&settings).await;
    let mut sockets = Vec::new();
    for number in 1..=8 {
        sockets.push(gateway.listen(number).await.0);
    }
    assert!(!gateway.lifecycle.is_full());
    sockets.push(gateway.listen(9).await.0);
    until(|| gateway.lifecycle.is_full()).await;
    assert_eq!(readyz(&gateway).await, (503, "full\n".to_owned()));
    // It says so and no more: who comes all the same is let in.
    sockets.push(gateway.listen(10).await.0);
    sockets.truncate(8);
    until(|| !gateway.lifecycle.is_full()).await;
    let people = "hubbub_gateway_users";
    until(|| gateway.metric(people) == 8).await;
    gateway.stop().await;
}

/// Sockets do not move by themselves; here they do.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_far_more_than_its_share_sends_some_away() {
    let settings = [("BALANCE", "500ms")];
    let full = Gateway::start_with(&settings).await;
    let mut sockets = Vec::new();
    for number in 1..=110 {
        sockets.push(full.listen(number).await.0);
    }
    let shed =
        r#"hubbub_gateway_connections_closed_total{reason="rebalance",transport="websocket"}"#;
    assert_eq!(full.metric(shed), 0, "alone, it keeps them");
    let empty = full.neighbour(&settings).await;
    let open = r#"hubbub_gateway_connections{transport="websocket"}"#;
    // Everybody reads, so that goodbyes are answered.
    for mut socket in sockets {
        tokio::spawn(async move { socket.is_closed().await });
    }
    until(|| full.metric(open) == 100).await;
    assert_eq!(full.metric(shed), 10);
    empty.stop().await;
    full.stop().await;
}
