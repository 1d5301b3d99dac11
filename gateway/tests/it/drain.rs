//! Leaving: everybody is told, everybody leaves, and nobody new comes in.

use std::time::Duration;

use hyper::Method;
use shared::testing::{ConnectError, Credentials, HttpClient, WireClient};
use tokio::time::Instant;

use crate::{
    harness::{Gateway, Socket, until},
    raw_socket::RawSocket,
};

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_to_come_back_and_the_node_ends() {
    let gateway = Gateway::start().await;
    let mut sockets = Vec::new();
    for number in 1..=10 {
        sockets.push(gateway.listen(number).await.0);
    }
    gateway.lifecycle.drain();
    for socket in &mut sockets {
        let reconnect = socket.hears("reconnect").await;
        let after_ms = reconnect["data"]["after_ms"].as_u64().unwrap();
        let (code, reason) = socket.is_closed().await;
        assert_eq!(code, 1001);
        assert_eq!(
            reason,
            format!(r#"{{"code":"going_away","retry_after_ms":{after_ms}}}"#)
        );
    }
    let drained = |how| format!(r#"hubbub_gateway_drain_closed_total{{how="{how}"}}"#);
    assert_eq!(gateway.metric(&drained("closed")), 10);
    let ended = r#"hubbub_gateway_connections_closed_total{reason="drain",transport="websocket"}"#;
    assert_eq!(gateway.metric(ended), 10);
    let metrics = gateway.metrics.clone();
    gateway.ends().await;
    let text = String::from_utf8(metrics.render().unwrap()).unwrap();
    assert!(text.contains("hubbub_gateway_drain_closed_total{how=\"forced\"} 0\n"));
}

/// Make before break: the old connection is there until the new one is.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_can_open_another_connection_before_this_one_ends() {
    let leaving = Gateway::start_with(&[("DRAIN_FLUSH", "20s")]).await;
    let staying = leaving.neighbour(&[]).await;
    let (mut old, _) = leaving.listen(1).await;
    leaving.lifecycle.drain();
    old.hears("reconnect").await;
    // Five seconds from now on: far longer than this takes.
    let (mut new, _) = staying.listen(1).await;
    leaving.publish(1, 1).await;
    assert_eq!(old.offsets(1).await, [1]);
    assert_eq!(new.offsets(1).await, [1]);
    drop(old);
    until(|| leaving.metric(r#"hubbub_gateway_drain_closed_total{how="client_left"}"#) == 1).await;
    leaving.ends().await;
    staying.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reconnects_are_spread_over_the_window() {
    const CLIENTS: i64 = 60;
    const WINDOW: Duration = Duration::from_secs(6);
    let gateway = Gateway::start_with(&[("DRAIN_WINDOW", "6s"), ("SHARDS", "1")]).await;
    let mut sockets = Vec::new();
    for number in 1..=CLIENTS {
        sockets.push(gateway.listen(number).await.0);
    }
    gateway.lifecycle.drain();
    let told = sockets.into_iter().map(|mut socket| {
        tokio::spawn(async move {
            let reconnect = socket.hears("reconnect").await;
            (
                Instant::now(),
                reconnect["data"]["after_ms"].as_u64().unwrap(),
            )
        })
    });
    let told: Vec<_> = told.collect();
    let mut moments = Vec::new();
    for one in told {
        let (at, after_ms) = one.await.unwrap();
        assert!(after_ms < 2000);
        moments.push((at, after_ms));
    }
    let order: Vec<Instant> = moments.iter().map(|(at, _)| *at).collect();
    assert!(!order.is_sorted(), "in a random order");
    moments.sort();
    // Each has its own moment, a hundred milliseconds after the one before. However late a slow machine is with some of
    // them, it cannot make them earlier: in no first part of the window are there more than its share.
    let first = moments[0].0;
    for (index, (at, _)) in moments.iter().enumerate() {
        let planned = WINDOW * u32::try_from(index).unwrap() / u32::try_from(CLIENTS).unwrap();
        let early = planned.saturating_sub(*at - first);
        assert!(early < WINDOW / 20, "number {index} came {early:?} early");
    }
    let mut hints: Vec<u64> = moments.iter().map(|(_, after_ms)| *after_ms).collect();
    hints.sort_unstable();
    hints.dedup();
    assert!(hints.len() > 30, "hints differ too");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_answer_does_not_hold_the_node_back() {
    let gateway = Gateway::start_with(&[("DRAIN_FLUSH", "1s")]).await;
    let stubborn = RawSocket::open(&gateway, &gateway.token(1)).await;
    let metrics = gateway.metrics.clone();
    gateway.lifecycle.drain();
    gateway.ends().await;
    let text = String::from_utf8(metrics.render().unwrap()).unwrap();
    assert!(text.contains("hubbub_gateway_drain_closed_total{how=\"forced\"} 1\n"));
    drop(stubborn);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_word_ends_the_waiting() {
    let gateway = Gateway::start_with(&[("DRAIN_DELAY", "1h"), ("DRAIN_WINDOW", "1h")]).await;
    let (_socket, _) = gateway.listen(1).await;
    gateway.lifecycle.drain();
    gateway.lifecycle.hurry();
    gateway.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_balancers_have_not_noticed_the_door_stays_open_and_then_it_shuts() {
    let gateway = Gateway::start_with(&[("DRAIN_DELAY", "3s"), ("DRAIN_WINDOW", "10s")]).await;
    let http = HttpClient::new(&gateway.base);
    let (_a, _) = gateway.listen(1).await;
    gateway.lifecycle.drain();
    for (path, status) in [("/readyz", 404), ("/healthz", 200)] {
        let answer = http.send(Method::GET, path, None, None).await.unwrap();
        assert_eq!(answer.status.as_u16(), status);
    }
    let (mut late, _) = gateway.listen(2).await;
    late.hears("reconnect").await;

    let connect = gateway.connect(Credentials::Bearer(gateway.token(3)));
    let refused = WireClient::connect(&connect).await;
    match refused {
        Err(ConnectError::Refused {
            status,
            retry_after,
            problem,
        }) => {
            assert_eq!(status.as_u16(), 503);
            assert!((1..=5).contains(&retry_after.unwrap()), "{retry_after:?}");
            assert_eq!(problem["code"], "draining");
        }
        // The last one has left already, and the port with it.
        Err(ConnectError::Failed(_)) => {}
        Ok(_) => panic!("let in"),
    }
    until(|| gateway.running.is_finished()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_move_on_when_they_are_old() {
    let gateway = Gateway::start_with(&[("CONNECTION_AGE", "2s")]).await;
    let (mut socket, _) = gateway.listen(1).await;
    socket.hears("reconnect").await;
    assert_eq!(socket.is_closed().await.0, 1001);
    let ended = r#"hubbub_gateway_connections_closed_total{reason="age",transport="websocket"}"#;
    assert_eq!(gateway.metric(ended), 1);
    let resumed: (Socket, _) = gateway.listen(1).await;
    drop(resumed);
    gateway.stop().await;
}
