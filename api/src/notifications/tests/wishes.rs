//! Preferences by type, policies by sender, quiet hours.

use serde_json::{Value, json};
use shared::clock::Clock;

use super::{pokes, unread_count};
use crate::app::testing::{Actor, TestApp};

const PREFERENCES: &str = "/notifications/preferences";

async fn wishes(who: &Actor, change: Value) -> Value {
    who.put(PREFERENCES, &change).await.ok()
}

#[tokio::test]
async fn what_is_not_named_stays_and_everything_is_on_at_first() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let first = ana.get(PREFERENCES).await.ok();
    assert_eq!(
        first["types"]["mention"],
        json!({ "in_app": true, "push": true })
    );
    assert_eq!(first["quiet_hours"], Value::Null);
    assert_eq!(first["senders"]["new_account"], "accept");

    let hours = json!({ "from": "22:00", "until": "07:30", "time_zone": "Europe/Vienna" });
    wishes(&ana, json!({ "types": { "like": { "in_app": false } } })).await;
    wishes(&ana, json!({ "quiet_hours": hours })).await;
    wishes(&ana, json!({ "senders": { "not_followed": "filter" } })).await;
    let changed = wishes(
        &ana,
        json!({ "types": { "like": { "push": false }, "ours": {} } }),
    )
    .await;
    assert_eq!(
        changed["types"]["like"],
        json!({ "in_app": false, "push": false })
    );
    assert_eq!(
        changed["types"]["ours"],
        json!({ "in_app": true, "push": true })
    );
    assert_eq!(changed["quiet_hours"], hours);
    assert_eq!(
        changed["senders"],
        json!({ "not_followed": "filter", "not_following": "accept", "new_account": "accept" })
    );
    assert_eq!(ana.get(PREFERENCES).await.ok(), changed);
    let cleared = wishes(&ana, json!({ "quiet_hours": null })).await;
    assert_eq!(cleared["quiet_hours"], Value::Null);
}

#[tokio::test]
async fn wrong_preferences_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let before = ana.get(PREFERENCES).await.ok();
    for change in [
        json!({ "types": { "No Type": { "in_app": false } } }),
        json!({ "types": { "": {} } }),
        json!({ "types": { "like": { "in_app": "no" } } }),
        json!({ "senders": { "not_followed": "maybe" } }),
        json!({ "quiet_hours": { "from": "24:00", "until": "07:00", "time_zone": "UTC" } }),
        json!({ "quiet_hours": { "from": "7:00", "until": "07:60", "time_zone": "UTC" } }),
        json!({ "quiet_hours": { "from": "22:00", "until": "07:00" } }),
        json!({
            "types": { "like": { "in_app": false } },
            "quiet_hours": { "from": "22:00", "until": "07:00", "time_zone": "Moon/Crater" },
        }),
    ] {
        let refused = ana.put(PREFERENCES, &change).await;
        assert_eq!(refused.refusal(), (422, "validation_failed"), "{change}");
    }
    assert_eq!(ana.get(PREFERENCES).await.ok(), before);
    let stranger = app.visitor().get(PREFERENCES).await;
    assert_eq!(stranger.refusal(), (401, "unauthenticated"));
}

#[tokio::test]
async fn a_type_that_is_off_is_not_told() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    wishes(&bob, json!({ "types": { "follow": { "in_app": false } } })).await;
    ana.follows(&bob).await;
    pokes(&app, &ana, &bob, 1).await;
    let told = bob.hears("notification").await;
    assert_eq!(told.data()["subtype"], "poke");
    assert_eq!((told.offset(), unread_count(&bob).await), (1, json!(1)));
}

#[tokio::test]
async fn classes_of_senders_are_dropped_or_kept_aside_and_the_strictest_decides() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let cyd = app.user("cyd").await;
    bob.follows(&ana).await;
    wishes(&bob, json!({ "senders": { "not_followed": "filter" } })).await;
    pokes(&app, &cyd, &bob, 1).await;
    pokes(&app, &ana, &bob, 2).await;
    let told = bob.hears("notification").await;
    assert_eq!(told.data()["notification"]["related_id"], 2);
    assert_eq!((told.offset(), unread_count(&bob).await), (1, json!(1)));
    let kept = bob.get("/notifications?filtered=true").await.ok();
    assert_eq!(kept["items"][0]["related_id"], 1);
    assert_eq!(kept["items"].as_array().unwrap().len(), 1);

    wishes(&bob, json!({ "senders": { "not_following": "drop" } })).await;
    for person in [&ana, &cyd] {
        pokes(&app, person, &bob, 3).await;
    }
    assert_eq!(unread_count(&bob).await, 1);
    // Cyd is still not followed, and follows now.
    cyd.follows(&bob).await;
    ana.follows(&bob).await;
    assert_eq!(bob.hears("notification").await.data()["subtype"], "follow");
    let kept = bob.get("/notifications?filtered=true").await.ok();
    assert_eq!(kept["items"].as_array().unwrap().len(), 2);

    wishes(&bob, json!({ "senders": { "new_account": "drop" } })).await;
    pokes(&app, &ana, &bob, 4).await;
    assert_eq!(
        unread_count(&bob).await,
        2,
        "all accounts of a test are new"
    );
}

#[tokio::test]
async fn in_quiet_hours_one_is_told_quietly_by_the_clock_on_one_s_own_wall() {
    // 23:30 in Vienna, 17:30 in New York.
    let start = "2026-01-02T22:30:00Z".parse().unwrap();
    let app = TestApp::start_at(Clock::manual(start), |_| {}).await;
    let ana = app.user("ana").await;
    for (name, from, until, zone, is_quiet) in [
        ("vienna", "22:00", "07:00", "Europe/Vienna", true),
        ("york", "22:00", "07:00", "America/New_York", false),
        ("noon", "12:00", "13:00", "Europe/Vienna", false),
        ("late", "23:30", "23:31", "Europe/Vienna", true),
        ("early", "23:00", "23:30", "Europe/Vienna", false),
    ] {
        let person = app.user(name).await;
        let hours = json!({ "from": from, "until": until, "time_zone": zone });
        wishes(&person, json!({ "quiet_hours": hours })).await;
        pokes(&app, &ana, &person, 1).await;
        let told = person.hears("notification").await;
        let expected = if is_quiet { json!(true) } else { Value::Null };
        assert_eq!(told.data()["quiet"], expected, "{name}");
        assert_eq!(unread_count(&person).await, 1, "{name}");
    }
}
