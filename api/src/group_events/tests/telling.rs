//! Who is told, when, and that it is once, whatever dies.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::{clock::Clock, ids::GroupEventId};

use super::{answer, group_of, in_hours, plan};
use crate::{
    app::{
        App,
        config::Settings,
        jobs::run_once,
        testing::{Actor, TestApp, TestStores},
    },
    group_events::{
        change,
        event::Rsvp,
        notices::{BATCH, Notices, tell_batch},
        queries::{attendees, events::NewEvent, notices as queries},
    },
    groups,
};

/// The kinds of the notifications that a person has, the newest first.
async fn told(who: &Actor) -> Vec<Value> {
    let page = who.get("/notifications").await.ok();
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["type"].clone()).collect()
}

async fn hears_of(who: &Actor, subtype: &str) -> Value {
    let heard = who.hears("notification").await;
    assert_eq!(heard.data()["subtype"], subtype);
    heard.data().clone()
}

#[tokio::test]
async fn members_are_told_of_an_event_and_those_who_come_of_its_changes() {
    let app = TestApp::start().await;
    let (ana, bob, cleo) = tokio::join!(app.user("ana"), app.user("bob"), app.user("cleo"));
    let (group, _) = group_of(&app, &ana, &[&bob, &cleo]).await;
    let run = plan(&ana, group, "Run", &in_hours(&app, 5)).await;
    for member in [&bob, &cleo] {
        let told = hears_of(member, "event_created").await;
        assert_eq!(told["message"], "Ana planned Run in Runners");
        assert_eq!(told["additional_data"]["event_id"], run["id"]);
    }
    answer(&bob, &run, "maybe").await;
    answer(&cleo, &run, "no").await;
    let path = format!("/events/{}", run["id"]);
    ana.patch(&path, &json!({"description": "Bring water"}))
        .await
        .ok();
    ana.patch(&path, &json!({"place": "The lake"})).await.ok();
    hears_of(&bob, "event_changed").await;
    ana.delete(&path).await.ok();
    hears_of(&bob, "event_cancelled").await;
    assert_eq!(
        told(&bob).await,
        ["event_cancelled", "event_changed", "event_created"]
    );
    assert_eq!(
        told(&cleo).await,
        ["event_created"],
        "who does not come needs no changes"
    );
    assert_eq!(
        told(&ana).await,
        [Value::Null; 0],
        "nobody is told of their own acts"
    );
}

/// Tokens outlive the hours that the test lets pass.
fn patient(settings: &mut Settings) {
    settings.auth.access_token_lifetime = Duration::from_hours(24);
}

#[tokio::test]
async fn two_pods_remind_those_who_come_once_and_anew_of_an_event_that_was_moved() {
    let clock = Clock::manual(Clock::System.now());
    let app = TestApp::start_at(clock.clone(), patient).await;
    let _other = app.start_another_with("api-2", patient).await;
    let (ana, bob, cleo) = tokio::join!(app.user("ana"), app.user("bob"), app.user("cleo"));
    let (group, _) = group_of(&app, &ana, &[&bob, &cleo]).await;
    let run = plan(&ana, group, "Run", &in_hours(&app, 5)).await;
    let off = plan(&ana, group, "Off", &in_hours(&app, 5)).await;
    for event in [&run, &off] {
        answer(&ana, event, "going").await;
        answer(&bob, event, "maybe").await;
        answer(&cleo, event, "no").await;
    }
    for member in [&bob, &cleo] {
        hears_of(member, "event_created").await;
        hears_of(member, "event_created").await;
    }
    ana.delete(&format!("/events/{}", off["id"])).await.ok();
    hears_of(&bob, "event_cancelled").await;

    clock.advance(SignedDuration::from_mins(4 * 60 + 1));
    let reminded = hears_of(&ana, "event_reminder").await;
    assert_eq!(reminded["message"], "Run starts soon");
    hears_of(&bob, "event_reminder").await;

    // To more than an hour from now: a reminder of its own. To less: the word of the change is one.
    let path = format!("/events/{}", run["id"]);
    ana.patch(&path, &json!({"starts_at": in_hours(&app, 3)}))
        .await
        .ok();
    hears_of(&bob, "event_changed").await;
    clock.advance(SignedDuration::from_mins(2 * 60 + 1));
    hears_of(&ana, "event_reminder").await;
    hears_of(&bob, "event_reminder").await;
    let soon = app.app().now().plus(Duration::from_mins(30));
    ana.patch(&path, &json!({"starts_at": soon.to_string()}))
        .await
        .ok();
    hears_of(&bob, "event_changed").await;
    clock.advance(SignedDuration::from_mins(29));
    // Whatever the job had to say before this, it has said by then.
    plan(&ana, group, "Swim", &in_hours(&app, 3)).await;
    hears_of(&bob, "event_created").await;
    assert_eq!(told(&ana).await, ["event_reminder", "event_reminder"]);
    assert_eq!(
        told(&cleo).await,
        ["event_created", "event_created", "event_created"]
    );
}

/// A group with more members than a batch has, without anybody's sockets or sessions.
struct Crowd {
    stores: TestStores,
    clock: Clock,
    members: i64,
    event: GroupEventId,
}

impl Crowd {
    async fn meets() -> Self {
        let stores = TestStores::create().await;
        let clock = Clock::manual(Clock::System.now());
        let app = stores.idle_pod("api-0", clock.clone());
        let members = 2 * BATCH + 50;
        let db = app.read().await.unwrap();
        let group = db
            .query_one(
                "with made as (
                    insert into groups (name, is_private, created_at, updated_at) values ('Crowd', false, now(), now())
                    returning id
                )
                insert into conversations (kind, group_id, created_at) select 'group', id, now() from made
                returning group_id",
                &[],
            )
            .await
            .unwrap();
        let people = groups::add_crowd(&db, group, members, app.now())
            .await
            .unwrap();
        let founder = people[usize::try_from(BATCH).unwrap()];
        let event = NewEvent {
            title: "Run".to_owned(),
            description: String::new(),
            place: None,
            starts_at: app.now().plus(Duration::from_hours(3)),
            ends_at: None,
        };
        let event = change::create(&app, founder, group, &event).await.unwrap();
        for person in people {
            let whose = (event.facts.id, group, person);
            attendees::set_rsvp(&db, whose, Rsvp::Going, app.now())
                .await
                .unwrap();
        }
        Self {
            event: event.facts.id,
            stores,
            clock,
            members,
        }
    }

    fn pod(&self, node_name: &str) -> App {
        self.stores.idle_pod(node_name, self.clock.clone())
    }

    /// How many were told, and how many people that is.
    async fn told(&self, kind: &str) -> (i64, i64) {
        let app = self.pod("observer");
        let db = app.read().await.unwrap();
        let notified = "select count(*) from notifications where kind = $1";
        let people = "select count(distinct user_id) from notifications where kind = $1";
        let logged = "select count(distinct channel) from event_log where kind = 'notification'";
        let (notified, people): (i64, i64) = (
            db.query_one(notified, &[&kind]).await.unwrap(),
            db.query_one(people, &[&kind]).await.unwrap(),
        );
        let logged: i64 = db.query_one(logged, &[]).await.unwrap();
        assert!(logged >= people, "each has heard of it");
        (notified, people)
    }
}

#[tokio::test]
async fn a_pod_that_dies_in_the_middle_leaves_a_batch_undone_or_done_and_another_goes_on() {
    let crowd = Crowd::meets().await;
    let (one, two) = (crowd.pod("api-1"), crowd.pod("api-2"));
    let everybody = (crowd.members - 1, crowd.members - 1);

    // Dies before its commit: nobody was told.
    let mut tx = one.begin().await.unwrap();
    let notice = queries::lock_notice(&tx, one.now()).await.unwrap().unwrap();
    tell_batch(&mut tx, &notice).await.unwrap();
    // The other believes that it holds the lease, and finds nothing to do meanwhile.
    run_once(&mut Notices, &two).await;
    assert_eq!(crowd.told("event_created").await, (0, 0));
    drop(tx);

    // Dies after its commit: a hundred were told.
    let mut tx = one.begin().await.unwrap();
    let notice = queries::lock_notice(&tx, one.now()).await.unwrap().unwrap();
    tell_batch(&mut tx, &notice).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(crowd.told("event_created").await, (BATCH, BATCH));

    run_once(&mut Notices, &two).await;
    assert_eq!(crowd.told("event_created").await, everybody);
    run_once(&mut Notices, &two).await;
    assert_eq!(
        crowd.told("event_created").await,
        everybody,
        "nothing is left to be told"
    );
}

#[tokio::test]
async fn nobody_is_reminded_twice_even_if_the_mark_of_how_far_it_has_come_is_lost() {
    let crowd = Crowd::meets().await;
    let app = crowd.pod("api-1");
    let everybody = (crowd.members, crowd.members);
    crowd.clock.advance(SignedDuration::from_mins(2 * 60 + 1));
    run_once(&mut Notices, &app).await;
    run_once(&mut Notices, &app).await;
    assert_eq!(
        crowd.told("event_reminder").await,
        everybody,
        "the founder comes too"
    );

    let db = app.read().await.unwrap();
    let again = "
        insert into group_event_notices (event_id, kind, actor_id, starts_at, created_at, due_at)
        select id, 'reminder', creator_id, starts_at, $2, $2 from group_events where id = $1";
    db.execute(again, &[&crowd.event.get(), &app.now().0])
        .await
        .unwrap();
    run_once(&mut Notices, &app).await;
    assert_eq!(crowd.told("event_reminder").await, everybody);
    let waiting: i64 = db
        .query_one("select count(*) from group_event_notices", &[])
        .await
        .unwrap();
    assert_eq!(waiting, 0);
}
