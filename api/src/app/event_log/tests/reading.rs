//! Gateways read, days pass, databases are restored.

use serde_json::json;
use shared::wire::{Channel, Event, Position};

use super::{history, tell, user};
use crate::app::{
    App,
    event_log::{EventLog, Retention, start_new_epoch},
    jobs::Job,
    testing::{TestApp, TestStores},
};

async fn head(app: &App, channel: Channel) -> Position {
    EventLog::new(app).heads(&[channel]).await.unwrap()[0]
}

#[tokio::test]
async fn a_new_epoch_gives_every_position_another_life() {
    let stores = TestStores::create().await;
    let (app, ..) = stores.pod("api-1");
    tell(&app, &[user(1)], &json!(1)).await.unwrap();
    let before = head(&app, user(1)).await;
    start_new_epoch(&app.read().await.unwrap()).await.unwrap();
    let after = head(&app, user(1)).await;
    assert_ne!(before.epoch, after.epoch);
    assert_eq!(before.offset, after.offset);
    tell(&app, &[user(1)], &json!(2)).await.unwrap();
    let events = history(&app, user(1)).await;
    assert!(
        events
            .iter()
            .all(|event| event.position.unwrap().epoch == after.epoch)
    );
}

#[tokio::test]
async fn whole_days_are_dropped_once_they_are_over_for_a_day() {
    let stores = TestStores::create().await;
    let (app, ..) = stores.pod("api-1");
    let read = app.read().await.unwrap();
    for days in [1, 2, 3] {
        let make = "select create_event_log_partition((now() at time zone 'utc')::date - $1::integer)::text";
        let _made: String = read.query_one(make, &[&days]).await.unwrap();
    }
    for number in 1..=3 {
        tell(&app, &[user(1)], &json!(number)).await.unwrap();
    }
    let age = "update event_log set created_at = now() - interval '3 days' where \"offset\" < 3";
    assert_eq!(read.execute(age, &[]).await.unwrap(), 2);

    Retention.run(&app).await.unwrap();
    let page = EventLog::new(&app).read(user(1), 0, 10).await.unwrap();
    assert_eq!((page.first, page.head.offset), (3, 3));
    assert!(
        page.events.is_empty(),
        "what follows 0 is gone, so nothing can be bridged"
    );
    let page = EventLog::new(&app).read(user(1), 2, 10).await.unwrap();
    assert_eq!(page.events.len(), 1);
    let partitions = "select count(*) from pg_inherits where inhparent = 'event_log'::regclass";
    let left: i64 = read.query_one(partitions, &[]).await.unwrap();
    assert_eq!(left, 9, "yesterday, today, and seven days ahead");
}

#[tokio::test]
async fn gateways_read_the_log_in_pages() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    for number in 1..=5 {
        tell(app.app(), &[ana.channel()], &json!(number))
            .await
            .unwrap();
    }
    let channel = ana.channel().to_string();
    let ask = json!({"channels": [channel, "user:4711"]});
    let heads = app.internal("/log/heads", &ask).await.ok();
    assert_eq!(heads["heads"][0]["offset"], 5);
    assert_eq!(heads["heads"][1]["offset"], 0);

    let ask = json!({"channel": channel, "after": 1, "limit": 3});
    let page = app.internal("/log/read", &ask).await.ok();
    assert_eq!(page["head"], heads["heads"][0]);
    assert_eq!(page["first"], 1);
    let records = page["records"].as_array().unwrap();
    let events = records.iter().map(|record| {
        let record = record.as_str().unwrap();
        Event::from_record(ana.channel(), record.as_bytes()).unwrap()
    });
    let offsets: Vec<u64> = events.map(|event| event.offset().unwrap()).collect();
    assert_eq!(offsets, [2, 3, 4]);
    // The page does not reach the head, so Redis has the tail from the publisher alone.
    ana.hears("private_message").await;

    for (after, limit) in [(5, 10), (99, 10), (u64::MAX, 10), (0, 0)] {
        let ask = json!({"channel": channel, "after": after, "limit": limit});
        let page = app.internal("/log/read", &ask).await.ok();
        assert_eq!(page["records"], json!([]), "{after} {limit}");
    }
    for channel in ["broadcast", "post:1", "nonsense"] {
        let ask = json!({"channel": channel, "after": 0, "limit": 1});
        let refused = app.internal("/log/read", &ask).await;
        assert!(
            matches!(refused.status, 400 | 422),
            "{channel}: {}",
            refused.json
        );
    }
}

#[tokio::test]
async fn a_page_is_bounded_in_bytes_but_never_empty() {
    let stores = TestStores::create().await;
    let (app, ..) = stores.pod("api-1");
    let large = json!("x".repeat(700 << 10));
    for _ in 0..2 {
        tell(&app, &[user(1)], &large).await.unwrap();
    }
    tell(&app, &[user(1)], &json!("x".repeat(2 << 20)))
        .await
        .unwrap();
    for after in 0..3 {
        let page = EventLog::new(&app).read(user(1), after, 512).await.unwrap();
        assert_eq!(page.events.len(), 1, "after {after}");
    }
}

#[tokio::test]
async fn the_log_is_for_gateways_alone() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    for token in [None, Some(ana.token()), Some("forged")] {
        for path in [
            "/internal/log/heads",
            "/internal/log/read",
            "/internal/commands",
        ] {
            let body = json!({"channels": []});
            let sent = app
                .http()
                .send(hyper::Method::POST, path, token, Some(&body))
                .await;
            assert_eq!(sent.unwrap().code(), Some("unauthenticated"), "{path}");
        }
    }
}
