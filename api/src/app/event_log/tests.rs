//! The log's promises, on real stores. Pods here are parts without a server: nothing runs until a test runs it.

use std::collections::HashMap;

use serde_json::{Value, json};
use shared::{
    bus::Appended,
    ids::{GroupId, PostId, UserId},
    wire::{Channel, Event, Position},
};
use tokio::task::JoinSet;

use super::{
    EventLog, NewEvent, Outlet, Publisher, PublisherTask, Relay, Retention, append,
    publish::By, publisher, queries, start_new_epoch,
};
use crate::app::{
    App,
    db::{EventSpec, NoticeSpec},
    error::Error,
    jobs::{self, Job},
    testing::{Ears, TestApp, TestStores},
};

fn user(id: i64) -> Channel {
    Channel::User(UserId::new(id).unwrap())
}

fn spec<'a>(channels: &'a [Channel], data: &'a Value) -> EventSpec<'a, Value> {
    EventSpec {
        channels,
        kind: "test_event",
        from: None,
        to: None,
        group: None,
        data,
    }
}

fn notice(channel: Channel, data: &Value) -> NoticeSpec<'_, Value> {
    NoticeSpec {
        channel,
        kind: "test_notice",
        class: shared::wire::Class::State,
        key: Some("post:1"),
        from: None,
        to: None,
        group: None,
        data,
    }
}

/// A transaction that changes nothing and tells these channels of it.
async fn tell(app: &App, channels: &[Channel], data: &Value) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    tx.event(&spec(channels, data))?;
    tx.commit().await
}

/// The whole log of a channel.
async fn history(app: &App, channel: Channel) -> Vec<Event> {
    let page = EventLog::new(app).read(channel, 0, 512).await.unwrap();
    assert_eq!(page.events.len() as u64, page.head.offset, "a hole, or too many for a page");
    page.events
}

async fn head(app: &App, channel: Channel) -> Position {
    EventLog::new(app).heads(&[channel]).await.unwrap()[0]
}

/// Where Redis believes the channel to end.
async fn redis_head(app: &App, channel: Channel) -> Option<u64> {
    let heads = app.bus().heads(&[channel]).await.unwrap();
    heads[0].map(|head| head.offset)
}

fn published(app: &App, by: &str) -> u64 {
    let counter = &app.metrics().outbox_published;
    counter.with_label_values(&[by, "published"]).get()
}

/// A pod that never publishes by itself, as if it were killed after every commit.
fn pod_that_dies(stores: &TestStores, node_name: &str) -> (App, Outlet) {
    let mut settings = stores.settings(node_name);
    settings.inline_publishing = false;
    let (app, outlet, _) = App::new(settings, shared::clock::Clock::System).unwrap();
    (app, outlet)
}

/// Two passes: the first says up to where, the second looks there.
async fn relay_once(relay: &mut Relay, app: &App) {
    for _ in 0..2 {
        jobs::run_once(relay, app).await;
    }
}

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
            kind: "test_event",
            control: false,
            body: "{}".into(),
        };
        append(&tx, &[event], 0).await.unwrap()
    };
    let events = numbered_and_dropped.await;
    assert_eq!(events[0].offset(), Some(2), "it had its number");
    tell(&app, &[user(1)], &json!(2)).await.unwrap();

    let events = history(&app, user(1)).await;
    assert_eq!(events.len(), 2);
    assert!(events[1].body.ends_with(b"\"data\":2}"), "{:?}", events[1].body);
}

#[tokio::test]
async fn an_event_has_one_id_in_all_its_channels_and_each_channel_has_its_own_offset() {
    let stores = TestStores::create().await;
    let (app, ..) = stores.pod("api-1");
    let group = Channel::Group(GroupId::new(1).unwrap());
    tell(&app, &[user(1)], &json!(1)).await.unwrap();
    let mut tx = app.begin().await.unwrap();
    tx.event(&spec(&[user(2), user(1), user(2)], &json!(2))).unwrap();
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
    assert_eq!(head(&app, user(1)).await.offset, 0);
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

    let heard = ears.hear(user(1), "test_event").await;
    assert_eq!((heard.offset(), heard.data()), (1, &json!("told")));
    let heard = ears.hear(post, "test_notice").await;
    assert_eq!(heard.data(), "noticed");
    assert_eq!(heard.event.key.as_deref(), Some("post:1"));
    publishing.abort();
}

#[tokio::test]
async fn the_relay_publishes_what_a_pod_left_behind_once_and_in_order() {
    let stores = TestStores::create().await;
    let (dead, _) = pod_that_dies(&stores, "api-1");
    let (app, outlet, _task) = stores.pod("api-2");
    let ears = Ears::new(&app);
    for channel in [user(1), user(2)] {
        ears.join(channel).await;
    }
    for number in 1..=3 {
        tell(&dead, &[user(1), user(2)], &json!(number)).await.unwrap();
    }
    assert_eq!(published(&dead, "inline"), 0);

    let mut relay = Relay::new(outlet);
    relay_once(&mut relay, &app).await;
    for channel in [user(1), user(2)] {
        for number in 1..=3_u64 {
            let heard = ears.hear(channel, "test_event").await;
            assert_eq!((heard.offset(), heard.data()), (number, &json!(number)));
        }
    }
    assert_eq!(published(&app, "relay"), 6);
    assert_eq!(app.metrics().outbox_depth.get(), 6);

    // The cursor has passed them: nobody looks again.
    relay_once(&mut relay, &app).await;
    assert_eq!(app.metrics().outbox_depth.get(), 0);
    let read = app.read().await.unwrap();
    let outbox: queries::Outbox = read.query_one(queries::OUTBOX, &[]).await.unwrap();
    assert_eq!(outbox.depth, 0);
    assert!(ears.unheard(user(1)).is_empty());
}

#[tokio::test]
async fn the_relay_sees_a_transaction_that_was_open_while_its_cursor_passed() {
    let stores = TestStores::create().await;
    let (dead, _) = pod_that_dies(&stores, "api-1");
    let (app, outlet, _task) = stores.pod("api-2");
    let mut relay = Relay::new(outlet);

    let mut slow = dead.begin().await.unwrap();
    slow.event(&spec(&[user(1)], &json!("slow"))).unwrap();
    // It has its transaction id, which is lower than those of whoever commits before it.
    let _id: String = slow.query_one("select pg_current_xact_id()::text", &[]).await.unwrap();
    tell(&dead, &[user(2)], &json!("fast")).await.unwrap();
    relay_once(&mut relay, &app).await;
    relay_once(&mut relay, &app).await;
    assert_eq!(redis_head(&app, user(2)).await, Some(1));
    assert_eq!(redis_head(&app, user(1)).await, None);

    slow.commit().await.unwrap();
    relay_once(&mut relay, &app).await;
    assert_eq!(redis_head(&app, user(1)).await, Some(1));
}

#[tokio::test]
async fn the_relay_leaves_alone_what_was_published_in_time() {
    let stores = TestStores::create().await;
    let (app, outlet, task) = stores.pod("api-1");
    let publishing = tokio::spawn(task.run(std::future::pending()));
    let ears = Ears::new(&app);
    ears.join(user(1)).await;
    tell(&app, &[user(1)], &json!(1)).await.unwrap();
    ears.hear(user(1), "test_event").await;
    relay_once(&mut Relay::new(outlet), &app).await;
    assert_eq!((published(&app, "inline"), published(&app, "relay")), (1, 0));
    let repeats = &app.metrics().outbox_published;
    assert_eq!(repeats.with_label_values(&["relay", "repeat"]).get(), 0);
    publishing.abort();
}

#[tokio::test]
async fn an_emptied_redis_gets_what_it_never_had_and_goes_on_from_there() {
    let stores = TestStores::create().await;
    let (before, outlet) = pod_that_dies(&stores, "api-1");
    for number in 1..=5 {
        tell(&before, &[user(1)], &json!(number)).await.unwrap();
    }
    relay_once(&mut Relay::new(outlet), &before).await;
    assert_eq!(redis_head(&before, user(1)).await, Some(5));

    // Under another prefix the same server is one that has forgotten everything.
    let mut settings = stores.settings("api-1");
    settings.redis.prefix.push_str("emptied:");
    settings.inline_publishing = false;
    let (app, outlet, _) = App::new(settings, shared::clock::Clock::System).unwrap();
    assert_eq!(redis_head(&app, user(1)).await, None);
    tell(&app, &[user(1)], &json!(6)).await.unwrap();
    let mut relay = Relay::new(outlet);
    relay_once(&mut relay, &app).await;
    assert_eq!(redis_head(&app, user(1)).await, Some(6));
    assert_eq!(published(&app, "relay"), 1, "five had been published before");
}

#[tokio::test]
async fn one_pod_relays_until_it_gives_up_its_lease() {
    let stores = TestStores::create().await;
    let (one, one_outlet) = pod_that_dies(&stores, "api-1");
    let (two, two_outlet) = pod_that_dies(&stores, "api-2");
    let (mut first, mut second) = (Relay::new(one_outlet), Relay::new(two_outlet));
    jobs::run_once(&mut first, &one).await;
    tell(&one, &[user(1)], &json!(1)).await.unwrap();
    relay_once(&mut second, &two).await;
    assert_eq!(redis_head(&two, user(1)).await, None, "the lease is the other's");
    assert_eq!(published(&two, "relay"), 0);

    // As if it had not renewed the lease for five seconds.
    let read = one.read().await.unwrap();
    let expire = "update leases set expires_at = now() - interval '1 second'";
    assert_eq!(read.execute(expire, &[]).await.unwrap(), 1);
    relay_once(&mut second, &two).await;
    assert_eq!(published(&two, "relay"), 1);
    tell(&two, &[user(1)], &json!(2)).await.unwrap();
    relay_once(&mut first, &one).await;
    assert_eq!(published(&one, "relay"), 0, "the lease is the other's now");
}

#[tokio::test]
async fn without_redis_changes_are_committed_and_the_outbox_shows_what_waits() {
    let stores = TestStores::create().await;
    let mut settings = stores.settings("api-1");
    // Nobody listens on the discard port.
    settings.redis.url = "redis://127.0.0.1:9".to_owned();
    let (app, outlet, task) = App::new(settings, shared::clock::Clock::System).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let publishing = tokio::spawn(task.run(async { stopped.await.unwrap_or_default() }));
    tell(&app, &[user(1)], &json!(1)).await.unwrap();
    relay_once(&mut Relay::new(outlet), &app).await;
    assert_eq!(app.metrics().outbox_depth.get(), 1);
    drop(stop);
    publishing.await.unwrap();

    // Redis is back, and with it a pod that can reach it.
    let (back, outlet, _task) = stores.pod("api-1");
    relay_once(&mut Relay::new(outlet), &back).await;
    assert_eq!(redis_head(&back, user(1)).await, Some(1));
}

#[tokio::test]
async fn a_full_queue_leaves_events_to_the_relay_and_blocks_nobody() {
    let stores = TestStores::create().await;
    let (app, outlet, _task) = stores.pod("api-1");
    let (publisher, _idle): (Publisher, PublisherTask) = publisher(outlet, true);
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
    let events = history(&app, user(1)).await;
    // The read has warmed the tail, so the head is known already.
    assert_eq!(redis_head(&app, user(1)).await, Some(1));
    let appended = outlet.append(&events, By::Relay).await.unwrap();
    assert_eq!(appended, [Appended::Repeat]);
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
    assert!(events.iter().all(|event| event.position.unwrap().epoch == after.epoch));
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
    assert!(page.events.is_empty(), "what follows 0 is gone, so nothing can be bridged");
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
        tell(app.app(), &[ana.channel()], &json!(number)).await.unwrap();
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
        let record = record.as_str().unwrap().to_owned().into();
        Event::from_record(ana.channel(), &record).unwrap()
    });
    let offsets: Vec<u64> = events.map(|event| event.offset().unwrap()).collect();
    assert_eq!(offsets, [2, 3, 4]);
    // The page does not reach the head, so Redis has the tail from the publisher alone.
    ana.hears("test_event").await;

    for (after, limit) in [(5, 10), (99, 10), (u64::MAX, 10), (0, 0)] {
        let ask = json!({"channel": channel, "after": after, "limit": limit});
        let page = app.internal("/log/read", &ask).await.ok();
        assert_eq!(page["records"], json!([]), "{after} {limit}");
    }
    for channel in ["broadcast", "post:1", "nonsense"] {
        let ask = json!({"channel": channel, "after": 0, "limit": 1});
        let refused = app.internal("/log/read", &ask).await;
        assert!(matches!(refused.status, 400 | 422), "{channel}: {}", refused.json);
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
    tell(&app, &[user(1)], &json!("x".repeat(2 << 20))).await.unwrap();
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
        for path in ["/internal/log/heads", "/internal/log/read", "/internal/commands"] {
            let body = json!({"channels": []});
            let sent = app.http().send(hyper::Method::POST, path, token, Some(&body)).await;
            assert_eq!(sent.unwrap().code(), Some("unauthenticated"), "{path}");
        }
    }
}
