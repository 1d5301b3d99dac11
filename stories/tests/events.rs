//! Group events: everybody is told and reminded, and nobody twice, while the pods that tell are killed.

use std::time::Duration;

use hyper::Method;
use jiff::SignedDuration;
use serde_json::json;
use shared::clock::Clock;
use stories::{Cluster, Person};
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

const MEMBERS: i64 = 1_500;
const TOLD_WITHIN: Duration = Duration::from_mins(2);

/// How many notifications of this type there are, and how many people have one.
async fn told(database: &Client, kind: &str) -> (i64, i64) {
    let count = "select count(*), count(distinct user_id) from notifications where kind = $1";
    let row = database
        .query_one(count, &[&kind])
        .await
        .expect("the database answers");
    (row.get(0), row.get(1))
}

/// Waits until that many were told.
async fn until_told(database: &Client, kind: &str, least: i64) {
    let deadline = Instant::now() + TOLD_WITHIN;
    loop {
        let (notifications, people) = told(database, kind).await;
        assert_eq!(notifications, people, "somebody was told twice");
        if people >= least {
            return;
        }
        assert!(Instant::now() < deadline, "{people} of {least} were told");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn whichever_pod_is_killed_in_the_middle_everybody_is_told_and_reminded_once() {
    let mut cluster = Cluster::start().await;
    let ana = Person::sign_up(&cluster.api[0], "ana").await;
    let members = MEMBERS.to_string();
    let crowd = [
        "crowd",
        "--account",
        "ana",
        "--members",
        &members,
        "--online",
        "0",
    ];
    cluster.run(&crowd).await;
    let groups = ana
        .request(&cluster.api[0], Method::GET, "/groups", None)
        .await;
    let group = &groups.json["items"][0]["id"];

    // Reminders are due an hour before the start: a few seconds from now, when everybody is told of the event.
    let starts_at = Clock::System.now() + SignedDuration::from_secs(3600 + 15);
    let event = json!({"title": "Run", "starts_at": starts_at});
    let path = format!("/groups/{group}/events");
    let made = ana
        .request(&cluster.api[1], Method::POST, &path, Some(event))
        .await;
    assert_eq!(made.status, 201, "{}", made.json);
    let database = cluster.database().await;
    let all_go = "
        insert into group_event_rsvps (event_id, group_id, user_id, status, answered_at)
        select event.id, event.group_id, member.user_id, 'going', now()
        from group_events event
        join group_members member on member.group_id = event.group_id";
    database.batch_execute(all_go).await.unwrap();

    // The founder is not told of her own event, but reminded of it.
    for (kind, everybody) in [("event_created", MEMBERS), ("event_reminder", MEMBERS + 1)] {
        until_told(&database, kind, 300).await;
        cluster.api[0].program.restart().await;
        until_told(&database, kind, 700).await;
        cluster.api[1].program.restart().await;
        until_told(&database, kind, everybody).await;
        assert_eq!(told(&database, kind).await, (everybody, everybody));
    }
    cluster.stop().await;
}
