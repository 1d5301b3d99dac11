//! The pod that commits publishes.

use serde_json::{Value, json};
use shared::{
    bus::Appended,
    ids::PostId,
    wire::{Channel, Class},
};

use super::{history, redis_head, spec, tell, user};
use crate::app::{
    db::NoticeSpec,
    event_log::{publish::By, publisher},
    event_type::EventType,
    testing::{Ears, TestStores},
};

fn notice(channel: Channel, data: &Value) -> NoticeSpec<'_, Value> {
    NoticeSpec {
        channel,
        kind: EventType::notice::<Value>("test_notice", "Whatever a test says."),
        class: Class::State,
        key: Some("post:1"),
        from: None,
        to: None,
        group: None,
        data,
    }
}

#[tokio::test]
async fn the_pod_publishes_what_it_commits_and_notices_go_with_it() {
    let stores = TestStores::create().await;
    let (app, _, task) = stores.pod("api-1");
    let publishing = tokio::spawn(task.run(std::future::pending()));
    let (ears, post) = (Ears::new(&app), Channel::Post(PostId::new(1).unwrap()));
    ears.join(user(1)).await;
    ears.join(post).await;
    let mut dropped = app.begin().await.unwrap();
    dropped.event(&spec(&[user(1)], &json!("never"))).unwrap();
    dropped.notice(&notice(post, &json!("never"))).unwrap();
    drop(dropped);
    let mut tx = app.begin().await.unwrap();
    tx.event(&spec(&[user(1)], &json!("told"))).unwrap();
    tx.notice(&notice(post, &json!("noticed"))).unwrap();
    tx.commit().await.unwrap();

    let heard = ears.hear(user(1), "private_message").await;
    assert_eq!((heard.offset(), heard.data()), (1, &json!("told")));
    let heard = ears.hear(post, "test_notice").await;
    assert_eq!(heard.data(), "noticed");
    assert_eq!(heard.event.key.as_deref(), Some("post:1"));
    publishing.abort();
}

#[tokio::test]
async fn a_full_queue_leaves_events_to_the_relay_and_blocks_nobody() {
    let stores = TestStores::create().await;
    let (app, outlet, _task) = stores.pod("api-1");
    let (publisher, _idle) = publisher(outlet, true);
    tell(&app, &[user(1)], &json!(1)).await.unwrap();
    let event = history(&app, user(1)).await;
    for _ in 0..1024 + 3 {
        publisher.offer(event.clone(), Vec::new());
    }
    assert_eq!(app.metrics().outbox_left_to_relay.get(), 3);
}

#[tokio::test]
async fn publishing_twice_is_a_repeat() {
    let stores = TestStores::create().await;
    let (app, outlet, _task) = stores.pod("api-1");
    tell(&app, &[user(1)], &json!(1)).await.unwrap();
    let mut events = history(&app, user(1)).await;
    // The read has warmed the tail, so the head is known already.
    assert_eq!(redis_head(&app, user(1)).await, Some(1));
    let appended = outlet.append(&mut events, By::Relay).await.unwrap();
    assert_eq!(appended, [Appended::Repeat]);
}
