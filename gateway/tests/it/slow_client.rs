//! One slow client harms nobody else.

use serde_json::json;
use shared::{testing::event, wire::Class};

use crate::{
    harness::{Gateway, channel, until},
    raw_socket::RawSocket,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_closed_and_others_hear_everything() {
    let gateway = Gateway::start_with(&[("QUEUE_FRAMES", "64"), ("QUEUE_BYTES", "262144")]).await;
    let stuck = RawSocket::open(&gateway, &gateway.token(1)).await;
    let (mut healthy, _) = gateway.listen(1).await;
    let slow =
        r#"hubbub_gateway_connections_closed_total{reason="slow_consumer",transport="websocket"}"#;

    // As large as the kernel's buffers, several times over.
    let filler = "x".repeat(60_000);
    let mut published = 0;
    while gateway.metric(slow) == 0 {
        assert!(published < 2_000, "nobody was closed");
        let mut large = gateway.log.commit(channel(1));
        large.body = format!(r#"{{"timestamp":0,"data":{{"filler":"{filler}"}}}}"#).into();
        gateway.bus.append(&[large]).await.unwrap();
        published += 1;
        assert_eq!(healthy.offsets(1).await, [published]);
    }
    let closed = stuck.read_to_close().await;
    assert_eq!(closed, Some(4201));
    gateway.publish(1, 1).await;
    assert_eq!(healthy.offsets(1).await, [published + 1]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_larger_than_the_queue_is_no_reason_to_close_somebody_who_reads() {
    let gateway = Gateway::start_with(&[("QUEUE_FRAMES", "16")]).await;
    let (mut socket, _) = gateway.listen(1).await;
    gateway.publish(1, 200).await;
    let expected: Vec<u64> = (1..=200).collect();
    assert_eq!(socket.offsets(200).await, expected);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chatter_is_dropped_before_anybody_is_closed() {
    let gateway = Gateway::start_with(&[("QUEUE_FRAMES", "16"), ("QUEUE_BYTES", "262144")]).await;
    let stuck = RawSocket::open(&gateway, &gateway.token(1)).await;
    let dropped = r#"hubbub_gateway_events_dropped_total{class="chatter",reason="queue_full"}"#;
    let mut chatter = event(channel(1), None);
    chatter.class = Class::Chatter;
    let filler = "x".repeat(60_000);
    chatter.body = format!(r#"{{"timestamp":0,"data":{{"filler":"{filler}"}}}}"#).into();
    let mut published = 0;
    while gateway.metric(dropped) == 0 {
        assert!(published < 2_000, "nothing was dropped");
        gateway
            .bus
            .publish(std::slice::from_ref(&chatter))
            .await
            .unwrap();
        published += 1;
    }
    let open = r#"hubbub_gateway_connections{transport="websocket"}"#;
    assert_eq!(gateway.metric(open), 1, "dropping closes nobody");
    drop(stuck);
    until(|| gateway.metric(open) == 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_answers_no_ping_is_closed() {
    let gateway = Gateway::start_with(&[("PING", "2s")]).await;
    let mut dead = RawSocket::open(&gateway, &gateway.token(1)).await;
    let (mut alive, _) = gateway.listen(2).await;
    // Reads, but never answers.
    assert_eq!(dead.close_code().await, Some(4205));
    let pong = alive.commands(json!({"type": "ping"})).await;
    assert_eq!(pong["type"], "pong");
    let answered = r#"hubbub_gateway_ping_rtt_seconds_count{transport="websocket"}"#;
    assert!(gateway.metric(answered) > 0, "whoever answers is measured");
    let read = r#"hubbub_gateway_bytes_total{direction="in",transport="websocket"}"#;
    until(|| gateway.metric(read) > 0).await;
    gateway.stop().await;
}
