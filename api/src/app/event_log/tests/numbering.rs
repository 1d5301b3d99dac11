//! Numbers are given in the order of commits, without holes.

use std::collections::HashMap;

use serde_json::{Value, json};
use shared::{
    ids::{GroupId, PostId},
    wire::{Channel, Event},
};
use tokio::task::JoinSet;

use super::{history, spec, tell, user};
use crate::app::{
    event_log::{EventLog, NewEvent, append},
    testing::TestStores,
};

#[tokio::test]
async fn concurrent_transactions_over_shared_channels_leave_no_hole_and_never_deadlock() {
    const CHANNELS: i64 = 6;
    const WRITERS: i64 = 24;
    const EVENTS: i64 = 12;
    let stores = TestStores::create().await;
    let (app, ..) = stores.pod("api-1");
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let app = app.clone();
        writers.spawn(async move {
            for turn in 0..EVENTS {
                // Two of the channels, in every order that there is.
                let one = user(1 + (writer + turn) % CHANNELS);
                let other = user(1 + (writer * 5 + turn * 3 + 1) % CHANNELS);
                let data = json!({"writer": writer, "turn": turn});
                tell(&app, &[one, other], &data).await.unwrap();
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }

    let mut seen = HashMap::<i64, usize>::new();
    for channel in (1..=CHANNELS).map(user) {
        let events = history(&app, channel).await;
        let mut turns = HashMap::new();
        for event in &events {
            *seen.entry(event.id.get()).or_default() += 1;
            let body: Value = serde_json::from_slice(&event.body).unwrap();
            let turn = body["data"]["turn"].as_i64();
            let before = turns.insert(body["data"]["writer"].as_i64(), turn);
            assert!(before.flatten() < turn, "a writer's events changed places");
        }
    }
    let transactions = usize::try_from(WRITERS * EVENTS).unwrap();
    assert_eq!(seen.len(), transactions);
    assert!(seen.values().all(|channels| (1..=2).contains(channels)));
}

#[tokio::test]
async fn a_transaction_that_is_not_committed_leaves_no_hole_and_says_nothing() {
    let stores = TestStores::create().await;
    let (app, ..) = stores.pod("api-1");
    tell(&app, &[user(1)], &json!(1)).await.unwrap();
    let numbered_and_dropped = async {
        let tx = app.begin().await.unwrap();
        let event = NewEvent {
            channels: vec![user(1)],
            kind: "private_message".into(),
            id: None,
            control: false,
            body: "{}".into(),
        };
        append(&tx, &[event], (0, None)).await.unwrap()
    };
    let events = numbered_and_dropped.await;
    assert_eq!(events[0].offset(), Some(2), "it had its number");
    tell(&app, &[user(1)], &json!(2)).await.unwrap();

    let events = history(&app, user(1)).await;
    assert_eq!(events.len(), 2);
    assert!(
        events[1].body.ends_with(b"\"data\":2}"),
        "{:?}",
        events[1].body
    );
}

#[tokio::test]
async fn an_event_has_one_id_in_all_its_channels_and_each_channel_has_its_own_offset() {
    let stores = TestStores::create().await;
    let (app, ..) = stores.pod("api-1");
    let group = Channel::Group(GroupId::new(1).unwrap());
    tell(&app, &[user(1)], &json!(1)).await.unwrap();
    let mut tx = app.begin().await.unwrap();
    tx.event(&spec(&[user(2), user(1), user(2)], &json!(2)))
        .unwrap();
    tx.event(&spec(&[user(1), group], &json!(3))).unwrap();
    tx.commit().await.unwrap();

    let (first, second) = (history(&app, user(1)).await, history(&app, user(2)).await);
    let ids = |events: &[Event]| events.iter().map(|event| event.id).collect::<Vec<_>>();
    assert_eq!(ids(&first)[1..2], ids(&second)[..]);
    assert_eq!(ids(&first)[2..], ids(&history(&app, group).await)[..]);
    let stored = serde_json::from_slice::<Value>(&first[2].body).unwrap();
    assert_eq!(stored["data"], 3);
    assert!(stored["timestamp"].is_i64());
}

#[tokio::test]
async fn a_channel_without_a_log_takes_no_durable_event() {
    let stores = TestStores::create().await;
    let (app, ..) = stores.pod("api-1");
    let mut tx = app.begin().await.unwrap();
    for channel in [Channel::Broadcast, Channel::Post(PostId::new(1).unwrap())] {
        assert!(tx.event(&spec(&[user(1), channel], &json!(1))).is_err());
    }
    tx.commit().await.unwrap();
    let heads = EventLog::new(&app).heads(&[user(1)]).await.unwrap();
    assert_eq!(heads[0].offset, 0);
}
