//! Stories of durable events for everybody.

use serde_json::json;
use shared::{clock::Clock, credentials::Role, ids::EventId, wire::Class};

use super::{
    everybody::{BATCH, TellEverybody, UNDER_WAY_MAX, tell_batch},
    queries::broadcasts as queries,
};
use crate::app::{
    App,
    event_log::{EventLog, draw_id},
    jobs::run_once,
    testing::{TestApp, TestStores},
};

const LET_IT_BE_DUE: &str =
    "update durable_broadcasts set due_at = due_at - interval '2 days' where event_id = $1";
const COUNT: &str = "select count(*) from durable_broadcasts";

#[tokio::test]
async fn whoever_is_signed_in_is_told_and_who_is_not_connected_is_told_later() {
    let app = TestApp::start().await;
    let shop = app.user_with("shop", Role::Service).await;
    let (ana, bob, cleo) = tokio::join!(app.user("ana"), app.user("bob"), app.user("cleo"));
    cleo.post("/auth/logout", &json!({})).await;
    let log = EventLog::new(app.app());
    let before = log.heads(&[cleo.channel()]).await.unwrap()[0].offset;
    let closing = json!({
        "broadcast": true, "type": "closing", "data": {"at": "22:00"}, "durable": true,
    });
    let answer = shop.post("/publish", &closing).await.ok();
    assert_eq!(answer["recipients"], json!(null));
    for person in [&ana, &bob, &shop] {
        let heard = person.hears("closing").await;
        assert_eq!(heard.data(), &json!({"at": "22:00"}));
        assert_eq!(json!(heard.event.id), answer["event_id"]);
        assert_eq!(heard.event.class, Class::Durable);
        // In the log of the person's own channel: a connection that comes back gets it from there.
        let head = log.heads(&[person.channel()]).await.unwrap()[0].offset;
        assert_eq!(heard.offset(), head);
    }
    let after = log.heads(&[cleo.channel()]).await.unwrap()[0].offset;
    assert_eq!(after, before, "nobody could tell her");
}

fn batch() -> i64 {
    i64::try_from(BATCH).unwrap()
}

/// More people than two batches, of whom every tenth has a session that has ended.
struct Crowd {
    stores: TestStores,
    event: EventId,
    signed_in: i64,
}

impl Crowd {
    async fn waits_for_word() -> Self {
        let stores = TestStores::create().await;
        let app = stores.idle_pod("api-0", Clock::System);
        let db = app.read().await.unwrap();
        let people = 2 * batch() + 300;
        let make = "
            with people as (
                insert into users (username, email, password_hash, created_at, updated_at)
                select 'p' || n, 'p' || n || '@example.com', '!', now(), now()
                from generate_series(1, $1::bigint) n
                returning id
            )
            insert into sessions (user_id, device, created_at, last_used_at, expires_at, revoked_at)
            select
                id, 'a device', now(), now(),
                now() + case when id % 20 = 0 then interval '-1 second' else interval '1 day' end,
                case when id % 20 = 10 then now() end
            from people, generate_series(1, 2)";
        db.execute(make, &[&people]).await.unwrap();
        let signed_in = "select count(distinct user_id) from sessions where user_id % 10 <> 0";
        let signed_in: i64 = db.query_one(signed_in, &[]).await.unwrap();
        let event = draw_id(&db).await.unwrap();
        let said = (event, "closing", r#"{"at":"22:00"}"#);
        assert!(queries::insert(&db, said, 1, app.now()).await.unwrap());
        Self {
            stores,
            event,
            signed_in,
        }
    }

    fn pod(&self, node_name: &str) -> App {
        self.stores.idle_pod(node_name, Clock::System)
    }

    /// How often it was told, and how many people that is.
    async fn told(&self) -> (i64, i64) {
        let app = self.pod("observer");
        let db = app.read().await.unwrap();
        let told = "select count(*) from event_log where event_id = $1";
        let people = "select count(distinct channel) from event_log where event_id = $1";
        let event = self.event.get();
        (
            db.query_one(told, &[&event]).await.unwrap(),
            db.query_one(people, &[&event]).await.unwrap(),
        )
    }
}

#[tokio::test]
async fn a_pod_that_dies_between_leaves_a_batch_undone_or_done_and_another_goes_on() {
    let crowd = Crowd::waits_for_word().await;
    let (one, two) = (crowd.pod("api-1"), crowd.pod("api-2"));

    // Dies before its commit: nobody was told. The other believes that it holds the lease, and finds nothing to do meanwhile.
    let mut tx = one.begin().await.unwrap();
    let waiting = queries::lock_next(&tx, one.now()).await.unwrap().unwrap();
    tell_batch(&mut tx, &waiting).await.unwrap();
    run_once(&mut TellEverybody, &two).await;
    assert_eq!(crowd.told().await, (0, 0));
    drop(tx);

    // Dies after its commit.
    let mut tx = one.begin().await.unwrap();
    let waiting = queries::lock_next(&tx, one.now()).await.unwrap().unwrap();
    tell_batch(&mut tx, &waiting).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(crowd.told().await, (batch(), batch()));

    let everybody = (crowd.signed_in, crowd.signed_in);
    for _ in 0..2 {
        run_once(&mut TellEverybody, &two).await;
        assert_eq!(crowd.told().await, everybody);
    }
    let waiting: i64 = two
        .read()
        .await
        .unwrap()
        .query_one(COUNT, &[])
        .await
        .unwrap();
    assert_eq!(waiting, 0);
}

#[tokio::test]
async fn so_many_are_under_way_and_no_more_and_a_trace_says_whose_turn_is_to_come() {
    let app = TestApp::start().await;
    let admin = app.user_with("admin", Role::Admin).await;
    let shop = app.user_with("shop", Role::Service).await;
    let bob = app.user("bob").await;
    let db = app.app().read().await.unwrap();
    let mut event = EventId::ephemeral();
    for _ in 0..UNDER_WAY_MAX {
        event = draw_id(&db).await.unwrap();
        let tomorrow = app.app().now().plus(std::time::Duration::from_hours(24));
        let said = (event, "closing", "{}");
        let added = queries::insert(&db, said, UNDER_WAY_MAX, tomorrow).await;
        assert!(added.unwrap());
    }
    let closing = json!({"broadcast": true, "type": "closing", "data": {}, "durable": true});
    let refused = shop.post("/publish", &closing).await;
    assert_eq!(refused.refusal(), (429, "rate_limited"));
    assert_eq!(refused.json["retry_after_ms"], 60_000);

    let trace = format!("/admin/events/{event}/trace");
    let about_bob = format!("{trace}?user_id={}", bob.id());
    admin.get(&trace).await.ok();
    let seen = admin.get(&about_bob).await.ok();
    assert_eq!(seen["about"]["verdict"], "to_come");
    db.execute(LET_IT_BE_DUE, &[&event.get()]).await.unwrap();
    bob.hears("closing").await;
    let seen = admin.get(&about_bob).await.ok();
    assert_eq!(seen["about"]["verdict"], "not_traced");
    assert_eq!(seen["about"]["is_addressed"], true);
}
