//! What is published reaches those it is for, once, in order.

use serde_json::json;

use crate::harness::{Gateway, channel};

#[tokio::test(flavor = "multi_thread")]
async fn events_reach_every_device_of_their_user_and_nobody_else() {
    let gateway = Gateway::start().await;
    let (mut phone, welcome) = gateway.listen(1).await;
    let (mut laptop, _) = gateway.listen(1).await;
    let (mut other, _) = gateway.listen(2).await;
    assert_eq!(welcome["data"]["user_id"], 1);
    assert_eq!(welcome["data"]["node"], "gateway-test");
    let position = &welcome["data"]["channels"]["user:1"];
    assert_eq!(position["offset"], 0, "{welcome}");
    assert_eq!(position.get("recovered"), None);

    let sent = gateway.publish(1, 3).await;
    let heard = phone.frame().await;
    assert_eq!(
        heard,
        json!({"type": "test", "id": sent[0].id, "channel": "user:1", "offset": 1, "timestamp": 0, "data": {"offset": 1}})
    );
    assert_eq!(phone.offsets(2).await, [2, 3]);
    assert_eq!(laptop.offsets(3).await, [1, 2, 3]);

    gateway.publish(2, 1).await;
    let first = other.frame().await;
    assert_eq!(first["channel"], "user:2", "only its own");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_reaches_everybody_once() {
    let gateway = Gateway::start().await;
    let (mut ana, _) = gateway.listen(1).await;
    let (mut bo, _) = gateway.listen(2).await;
    let mut event = shared::testing::event(shared::wire::Channel::Broadcast, None);
    event.kind = "broadcast".into();
    event.id = shared::ids::EventId::ephemeral();
    let mut next = event.clone();
    next.id = shared::ids::EventId::ephemeral();
    // Published again, because the answer was lost.
    let events = [event.clone(), event.clone(), next.clone()];
    gateway.bus.publish(&events).await.unwrap();
    for socket in [&mut ana, &mut bo] {
        for event in [&event, &next] {
            let heard = socket.hears("broadcast").await;
            assert_eq!(heard["channel"], "broadcast");
            assert_eq!(heard["id"], json!(event.id));
            assert_eq!(heard.get("offset"), None);
        }
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_hears_what_comes_next() {
    let gateway = Gateway::start().await;
    for round in 1..=5 {
        let (mut socket, welcome) = gateway.listen(1).await;
        let channel = channel(1).to_string();
        let start = &welcome["data"]["channels"][channel.as_str()]["offset"];
        assert_eq!(*start, round - 1);
        gateway.publish(1, 1).await;
        assert_eq!(socket.offsets(1).await, [round]);
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_session_is_closed_and_its_neighbours_are_not() {
    let gateway = Gateway::start().await;
    let (mut revoked, _) = gateway.listen(1).await;
    let (mut other, _) = gateway.listen(2).await;
    gateway.revoke(1, 7).await;
    assert_eq!(
        revoked.hears("session_revoked").await["data"]["session_id"],
        7
    );
    gateway.revoke(1, 1).await;
    revoked.hears("session_revoked").await;
    let (code, reason) = revoked.is_closed().await;
    assert_eq!(
        (code, reason.as_str()),
        (4004, r#"{"code":"session_revoked"}"#)
    );
    let pong = other.commands(json!({"type": "ping"})).await;
    assert_eq!(pong["type"], "pong");
    gateway.stop().await;
}
