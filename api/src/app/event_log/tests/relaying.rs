//! What a pod left behind is published by the relay.

use jiff::SignedDuration;
use serde_json::json;
use shared::{clock::Clock, testing::RedisServer};

use super::{pod_that_dies, published, redis_head, spec, tell, user};
use crate::app::{
    App,
    event_log::{Relay, queries},
    jobs::{self, Job},
    testing::{Ears, TestStores},
};

/// Two passes: the first says up to where, the second looks there.
async fn relay_once(relay: &mut Relay, app: &App) {
    for _ in 0..2 {
        jobs::run_once(relay, app).await;
    }
}

#[tokio::test]
async fn the_relay_publishes_what_a_pod_left_behind_once_and_in_order() {
    let stores = TestStores::create().await;
    let (dead, _) = pod_that_dies(stores.settings("api-1"));
    let (app, outlet, _task) = stores.pod("api-2");
    let ears = Ears::new(&app);
    for channel in [user(1), user(2)] {
        ears.join(channel).await;
    }
    for number in 1..=3 {
        tell(&dead, &[user(1), user(2)], &json!(number))
            .await
            .unwrap();
    }
    assert_eq!(published(&dead, "inline"), 0);

    let mut relay = Relay::new(outlet);
    relay_once(&mut relay, &app).await;
    for channel in [user(1), user(2)] {
        for number in 1..=3_u64 {
            let heard = ears.hear(channel, "private_message").await;
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
    let (dead, _) = pod_that_dies(stores.settings("api-1"));
    let (app, outlet, _task) = stores.pod("api-2");
    let mut relay = Relay::new(outlet);

    let mut slow = dead.begin().await.unwrap();
    slow.event(&spec(&[user(1)], &json!("slow"))).unwrap();
    // It has its transaction id, which is lower than those of whoever commits before it.
    let _id: String = slow
        .query_one("select pg_current_xact_id()::text", &[])
        .await
        .unwrap();
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
    ears.hear(user(1), "private_message").await;
    relay_once(&mut Relay::new(outlet), &app).await;
    assert_eq!(
        (published(&app, "inline"), published(&app, "relay")),
        (1, 0)
    );
    let repeats = &app.metrics().outbox_published;
    assert_eq!(repeats.with_label_values(&["relay", "repeat"]).get(), 0);
    publishing.abort();
}

#[tokio::test]
async fn an_emptied_redis_gets_what_it_never_had_and_goes_on_from_there() {
    let stores = TestStores::create().await;
    let (before, outlet) = pod_that_dies(stores.settings("api-1"));
    for number in 1..=5 {
        tell(&before, &[user(1)], &json!(number)).await.unwrap();
    }
    relay_once(&mut Relay::new(outlet), &before).await;
    assert_eq!(redis_head(&before, user(1)).await, Some(5));

    // Under another prefix the same server is one that has forgotten everything.
    let mut settings = stores.settings("api-1");
    settings.redis.prefix.push_str("emptied:");
    let (app, outlet) = pod_that_dies(settings);
    assert_eq!(redis_head(&app, user(1)).await, None);
    tell(&app, &[user(1)], &json!(6)).await.unwrap();
    let mut relay = Relay::new(outlet);
    relay_once(&mut relay, &app).await;
    assert_eq!(redis_head(&app, user(1)).await, Some(6));
    assert_eq!(
        published(&app, "relay"),
        1,
        "five had been published before"
    );
}

#[tokio::test]
async fn one_pod_relays_until_it_gives_up_its_lease() {
    let stores = TestStores::create().await;
    let (one, one_outlet) = pod_that_dies(stores.settings("api-1"));
    let (two, two_outlet) = pod_that_dies(stores.settings("api-2"));
    let (mut first, mut second) = (Relay::new(one_outlet), Relay::new(two_outlet));
    jobs::run_once(&mut first, &one).await;
    tell(&one, &[user(1)], &json!(1)).await.unwrap();
    relay_once(&mut second, &two).await;
    assert_eq!(
        redis_head(&two, user(1)).await,
        None,
        "the lease is the other's"
    );
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
    let (app, outlet, task) = App::new(settings, Clock::System).unwrap();
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

/// One that is another's replica answers, and takes nothing.
#[tokio::test]
async fn what_redis_refuses_waits_and_is_seen_to_wait() {
    let stores = TestStores::create().await;
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", "9"]).await;
    let mut settings = stores.settings("api-1");
    settings.redis.url = replica.url();
    let clock = Clock::manual(Clock::System.now());
    let (app, outlet, _task) = App::new(settings, clock.clone()).unwrap();
    tell(&app, &[user(1)], &json!(1)).await.unwrap();
    clock.advance(SignedDuration::from_secs(90));
    let mut relay = Relay::new(outlet);
    for _ in 0..2 {
        relay_once(&mut relay, &app).await;
        assert_eq!(app.metrics().outbox_depth.get(), 1);
        let age = app.metrics().outbox_oldest_age_seconds.get();
        assert!(age >= 90, "{age}");
    }
    relay.on_lease_lost();
    assert_eq!(app.metrics().outbox_oldest_age_seconds.get(), 0);
}
