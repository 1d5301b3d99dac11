//! Coming back: everything that was missed, or word that it cannot be had; never something in between.

use serde_json::{Value, json};
use shared::{
    testing::{Credentials, WireClient},
    wire::{Epoch, Position},
};

use crate::harness::{Gateway, Socket, channel, until, welcomed};

fn position(welcome: &Value) -> Value {
    let start = &welcome["data"]["channels"]["user:1"];
    json!({"epoch": start["epoch"], "offset": start["offset"]})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_comes_before_what_is_new() {
    let gateway = Gateway::start().await;
    let (mut socket, welcome) = gateway.listen(1).await;
    gateway.publish(1, 2).await;
    assert_eq!(socket.offsets(2).await, [1, 2]);
    drop(socket);
    gateway.publish(1, 400).await;

    let mut since = position(&welcome);
    since["offset"] = 2.into();
    let (mut socket, welcome) = gateway.listen_from(1, Some(json!({"user:1": since}))).await;
    assert_eq!(
        welcome["data"]["channels"]["user:1"],
        json!({"epoch": since["epoch"], "offset": 2, "recovered": true})
    );
    gateway.publish(1, 3).await;
    let expected: Vec<u64> = (3..=405).collect();
    assert_eq!(socket.offsets(403).await, expected);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_frame_resumes_too_and_the_log_knows_what_redis_does_not() {
    let gateway = Gateway::start().await;
    gateway.log.commit_many(channel(1), 3);
    let since = Position {
        offset: 0,
        ..gateway.log.head(channel(1))
    };
    let connect = gateway.connect(Credentials::None);
    let mut socket = Socket(WireClient::connect(&connect).await.unwrap());
    let token = gateway.token(1);
    let resume = json!({"user:1": since});
    socket
        .send(json!({"type": "auth", "token": token, "resume": resume}))
        .await;
    assert_eq!(
        socket.frame().await["data"]["channels"]["user:1"]["recovered"],
        true
    );
    gateway.publish(1, 1).await;
    assert_eq!(socket.offsets(4).await, [1, 2, 3, 4]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_bridged_is_said() {
    let gateway = Gateway::start().await;
    gateway.publish(1, 3).await;
    let epoch = gateway.log.head(channel(1)).epoch;
    for (since, reason) in [
        (
            json!({"epoch": Epoch::from_bits(1), "offset": 1}),
            "epoch_changed",
        ),
        (json!({"epoch": epoch, "offset": 99}), "epoch_changed"),
    ] {
        let (_, welcome) = gateway.listen_from(1, Some(json!({"user:1": since}))).await;
        assert_eq!(
            welcome["data"]["channels"]["user:1"],
            json!({"epoch": epoch, "offset": 3, "recovered": false, "reason": reason}),
            "{since}"
        );
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_that_are_not_one_s_own_are_refused_and_the_rest_goes_on() {
    let gateway = Gateway::start().await;
    gateway.publish(1, 1).await;
    let epoch = gateway.log.head(channel(1)).epoch;
    let since = json!({"epoch": epoch, "offset": 0});
    let resume = json!({"user:1": since, "user:2": since, "nonsense": since});
    let (mut socket, welcome) = gateway.listen_from(1, Some(resume)).await;
    let channels = welcome["data"]["channels"].as_object().unwrap();
    assert_eq!(channels.keys().collect::<Vec<_>>(), ["user:1"]);
    assert_eq!(socket.frame().await["code"], "invalid_request");
    let forbidden = socket.frame().await;
    assert_eq!(forbidden["code"], "forbidden");
    assert_eq!(forbidden["message"], "user:2 is not yours to hear");
    assert_eq!(socket.offsets(1).await, [1]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_replays_on_an_open_connection() {
    let gateway = Gateway::start().await;
    let (mut socket, welcome) = gateway.listen(1).await;
    gateway.publish(1, 3).await;
    assert_eq!(socket.offsets(3).await, [1, 2, 3]);

    let epoch = welcome["data"]["channels"]["user:1"]["epoch"].clone();
    let at = |offset: u64| json!({"user:1": {"epoch": epoch, "offset": offset}});
    let ack = socket
        .commands(json!({"type": "sync", "channels": at(1)}))
        .await;
    assert_eq!(ack["data"]["channels"]["user:1"]["recovered"], true);
    assert_eq!(socket.offsets(2).await, [2, 3]);
    let ack = socket
        .commands(json!({"type": "sync", "channels": at(3)}))
        .await;
    assert_eq!(
        ack["data"]["channels"]["user:1"],
        json!({"epoch": epoch, "offset": 3, "recovered": true})
    );
    let ack = socket
        .commands(json!({"type": "sync", "channels": at(9)}))
        .await;
    assert_eq!(ack["data"]["channels"]["user:1"]["reason"], "epoch_changed");
    for (channels, code) in [
        (json!({"user:2": at(1)["user:1"]}), "forbidden"),
        (json!({"nonsense": at(1)["user:1"]}), "invalid_request"),
        (json!([]), "invalid_request"),
    ] {
        let error = socket
            .commands(json!({"type": "sync", "channels": channels}))
            .await;
        assert_eq!(error["code"], code, "{error}");
    }
    gateway.publish(1, 1).await;
    assert_eq!(socket.offsets(1).await, [4]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_during_a_replay_comes_after_it() {
    let gateway = Gateway::start().await;
    gateway.log.commit_many(channel(1), 5);
    // The node follows the channel; what was before is in the log alone.
    let (mut first, welcome) = gateway.listen(1).await;
    assert_eq!(position(&welcome)["offset"], 5);
    let hold = gateway.log.hold().await;
    let mut since = position(&welcome);
    since["offset"] = 0.into();
    let mut connect = gateway.connect(Credentials::Bearer(gateway.token(1)));
    connect.resume = Some(json!({"user:1": since}));
    let coming = tokio::spawn(async move { welcomed(&connect).await.unwrap() });
    until(|| gateway.log.reads() > 0).await;
    gateway.publish(1, 5).await;
    assert_eq!(first.offsets(5).await, [6, 7, 8, 9, 10]);
    drop(hold);
    let (mut socket, welcome) = coming.await.unwrap();
    let start = json!({"epoch": since["epoch"], "offset": 0, "recovered": true});
    assert_eq!(welcome["data"]["channels"]["user:1"], start);
    let expected: Vec<u64> = (1..=10).collect();
    assert_eq!(socket.offsets(10).await, expected);
    gateway.stop().await;
}

/// Where replays came from, as `/metrics` counts them.
fn replays(gateway: &Gateway) -> [u64; 2] {
    ["ring", "history"].map(|source| {
        let name = "hubbub_gateway_resume_replayed_events_count";
        gateway.metric(&format!("{name}{{source=\"{source}\"}}"))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_at_once_is_served_by_the_node_itself() {
    let gateway = Gateway::start().await;
    let (mut socket, welcome) = gateway.listen(1).await;
    gateway.publish(1, 3).await;
    assert_eq!(socket.offsets(3).await, [1, 2, 3]);
    let mut since = position(&welcome);
    since["offset"] = 1.into();
    drop(socket);
    let open = r#"hubbub_gateway_connections{transport="websocket"}"#;
    until(|| gateway.metric(open) == 0).await;
    // Nobody hears these; the channel is followed for a while all the same.
    gateway.publish(1, 2).await;

    let resume = json!({"user:1": since});
    let (mut back, welcome) = gateway.listen_from(1, Some(resume.clone())).await;
    assert_eq!(welcome["data"]["channels"]["user:1"]["recovered"], true);
    assert_eq!(back.offsets(4).await, [2, 3, 4, 5]);
    assert_eq!(replays(&gateway), [1, 0]);
    let known =
        |result| gateway.metric(&format!("hubbub_authz_cache_total{{result=\"{result}\"}}"));
    // The first made Redis remember.
    assert_eq!((known("miss"), known("hit")), (1, 1));
    let heard = r#"hubbub_subscriptions{kind="user"}"#;
    until(|| gateway.metric(heard) == 1).await;

    // What the node has not heard it does not give.
    let other = gateway.neighbour(&[]).await;
    let (mut elsewhere, _) = other.listen_from(1, Some(resume)).await;
    assert_eq!(elsewhere.offsets(4).await, [2, 3, 4, 5]);
    assert_eq!(replays(&other), [0, 1]);
    other.stop().await;
    gateway.stop().await;
}
