mod telling;

use serde_json::{Value, json};
use shared::{ids::GroupId, wire::Channel};

use crate::app::testing::{Actor, TestApp};

/// A public group of Ana's that the others are in.
pub(super) async fn group_of(app: &TestApp, ana: &Actor, others: &[&Actor]) -> (i64, Channel) {
    let group = ana.post("/groups", &json!({"name": "Runners"})).await.ok();
    let id = group["id"].as_i64().unwrap();
    let channel = Channel::Group(GroupId::new(id).unwrap());
    app.ears().join(channel).await;
    for other in others {
        let path = format!("/groups/{id}/join");
        other.post(&path, &json!({})).await.ok();
    }
    (id, channel)
}

/// An hour that is `hours` from the app's now.
pub(super) fn in_hours(app: &TestApp, hours: u64) -> String {
    let time = app.app().now();
    time.plus(std::time::Duration::from_hours(hours))
        .to_string()
}

pub(super) async fn plan(who: &Actor, group: i64, title: &str, starts_at: &str) -> Value {
    let event = json!({"title": title, "place": "The park", "starts_at": starts_at});
    let path = format!("/groups/{group}/events");
    who.post(&path, &event).await.ok()
}

pub(super) async fn answer(who: &Actor, event: &Value, status: &str) -> Value {
    let path = format!("/events/{}/rsvp", event["id"]);
    who.put(&path, &json!({"status": status})).await.ok()
}

async fn titles(who: &Actor, path: &str) -> Vec<String> {
    let page = who.get(path).await.ok();
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|event| event["title"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_member_plans_and_the_group_sees_it() {
    let app = TestApp::start().await;
    let (ana, bob, eve) = tokio::join!(app.user("ana"), app.user("bob"), app.user("eve"));
    let (group, channel) = group_of(&app, &ana, &[&bob]).await;
    let (late, soon) = (in_hours(&app, 50), in_hours(&app, 5));
    let hills = plan(&bob, group, "Hills", &late).await;
    let run = plan(&bob, group, "Run", &soon).await;

    assert_eq!(
        (&run["title"], &run["place"], &run["starts_at"]),
        (&json!("Run"), &json!("The park"), &json!(soon))
    );
    assert_eq!(
        (&run["creator"]["username"], &run["my_rsvp"]),
        (&json!("bob"), &Value::Null)
    );
    let heard = app.ears().hear(channel, "event_created").await;
    assert_eq!(heard.data()["event_id"], hills["id"]);
    let heard = app.ears().hear(channel, "event_created").await;
    assert_eq!(
        (&heard.data()["title"], heard.data().get("my_rsvp")),
        (&json!("Run"), None)
    );
    app.ears().hear(channel, "group_content_update").await;

    let list = format!("/groups/{group}/events");
    assert_eq!(titles(&ana, &list).await, ["Run", "Hills"]);
    let first = ana.get(&format!("{list}?limit=1")).await.ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(
        titles(&ana, &format!("{list}?limit=1&cursor={cursor}")).await,
        ["Hills"]
    );
    assert_eq!(titles(&ana, &format!("{list}?past=true")).await, [""; 0]);
    assert_eq!(ana.get(&format!("/events/{}", run["id"])).await.ok(), run);

    let path = format!("/events/{}", run["id"]);
    assert_eq!(eve.get(&path).await.refusal(), (404, "not_found"));
    assert_eq!(
        eve.get(&format!("{path}/attendees")).await.refusal(),
        (404, "not_found")
    );
    assert_eq!(eve.get(&list).await.refusal(), (403, "not_a_member"));
    let event = json!({"title": "Mine", "starts_at": soon});
    assert_eq!(
        eve.post(&list, &event).await.refusal(),
        (403, "not_a_member")
    );
    let going = json!({"status": "going"});
    let rsvp = eve.put(&format!("{path}/rsvp"), &going).await;
    assert_eq!(rsvp.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn what_is_no_event_is_refused_field_by_field() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let (group, _) = group_of(&app, &ana, &[]).await;
    let (soon, later) = (in_hours(&app, 1), in_hours(&app, 2));
    let path = format!("/groups/{group}/events");
    for (wrong, field) in [
        (json!({"starts_at": soon}), "title"),
        (json!({"title": " ", "starts_at": soon}), "title"),
        (
            json!({"title": "x".repeat(201), "starts_at": soon}),
            "title",
        ),
        (json!({"title": "x"}), "starts_at"),
        (json!({"title": "x", "starts_at": "tomorrow"}), "starts_at"),
        (
            json!({"title": "x", "starts_at": "2020-01-01T00:00:00Z"}),
            "starts_at",
        ),
        (
            json!({"title": "x", "starts_at": later, "ends_at": soon}),
            "ends_at",
        ),
        (
            json!({"title": "x", "starts_at": soon, "ends_at": soon}),
            "ends_at",
        ),
        (
            json!({"title": "x", "starts_at": soon, "place": ""}),
            "place",
        ),
        (
            json!({"title": "x", "starts_at": soon, "description": "x".repeat(5001)}),
            "description",
        ),
    ] {
        let refused = ana.post(&path, &wrong).await;
        assert_eq!(refused.refusal(), (422, "validation_failed"), "{wrong}");
        assert_eq!(refused.json["errors"][0]["field"], field, "{wrong}");
    }
    let run = plan(&ana, group, "Run", &soon).await;
    let path = format!("/events/{}/rsvp", run["id"]);
    let refused = ana.put(&path, &json!({"status": "perhaps"})).await;
    assert_eq!(refused.refusal(), (422, "validation_failed"));
    let nowhere = ana
        .put("/events/999999/rsvp", &json!({"status": "no"}))
        .await;
    assert_eq!(nowhere.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn the_creator_and_the_admins_change_an_event() {
    let app = TestApp::start().await;
    let (ana, bob, cleo) = tokio::join!(app.user("ana"), app.user("bob"), app.user("cleo"));
    let (group, channel) = group_of(&app, &ana, &[&bob, &cleo]).await;
    let (soon, later) = (in_hours(&app, 2), in_hours(&app, 3));
    let run = plan(&bob, group, "Run", &soon).await;
    let path = format!("/events/{}", run["id"]);
    let refused = cleo.patch(&path, &json!({"title": "Mine"})).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    assert_eq!(cleo.delete(&path).await.refusal(), (403, "forbidden"));

    let changed = bob
        .patch(&path, &json!({"title": "Long run", "ends_at": later}))
        .await
        .ok();
    assert_eq!(
        (&changed["title"], &changed["ends_at"]),
        (&json!("Long run"), &json!(later))
    );
    assert_eq!(changed["place"], "The park", "what is not named stays");
    let heard = app.ears().hear(channel, "event_updated").await;
    assert_eq!(heard.data()["title"], "Long run");
    let refused = bob.patch(&path, &json!({"starts_at": later})).await;
    assert_eq!(refused.json["errors"][0]["field"], "ends_at");
    let changed = ana
        .patch(&path, &json!({"place": null, "ends_at": null}))
        .await
        .ok();
    assert_eq!(
        (&changed["place"], &changed["ends_at"]),
        (&Value::Null, &Value::Null)
    );

    assert_eq!(ana.delete(&path).await.status, 204);
    app.ears().hear(channel, "event_cancelled").await;
    assert_eq!(
        ana.delete(&path).await.status,
        204,
        "once more changes nothing"
    );
    assert!(!ana.get(&path).await.ok()["cancelled_at"].is_null());
    assert_eq!(
        titles(&ana, &format!("/groups/{group}/events")).await,
        [""; 0]
    );
    let refused = bob.patch(&path, &json!({"title": "Again"})).await;
    assert_eq!(refused.refusal(), (409, "event_cancelled"));
    let refused = bob
        .put(&format!("{path}/rsvp"), &json!({"status": "going"}))
        .await;
    assert_eq!(refused.refusal(), (409, "event_cancelled"));
}

#[tokio::test]
async fn members_say_whether_they_come_until_they_leave() {
    let app = TestApp::start().await;
    let (ana, bob, cleo) = tokio::join!(app.user("ana"), app.user("bob"), app.user("cleo"));
    let (group, channel) = group_of(&app, &ana, &[&bob, &cleo]).await;
    let run = plan(&ana, group, "Run", &in_hours(&app, 2)).await;
    assert_eq!(answer(&bob, &run, "going").await["going_count"], 1);
    let own = bob.hears("event_rsvp").await;
    assert_eq!(
        own.data(),
        &json!({"event_id": run["id"], "group_id": group, "status": "going"})
    );
    let counts = app.ears().hear(channel, "event_attendance").await;
    assert_eq!(counts.data()["going_count"], 1);
    answer(&bob, &run, "going").await;
    answer(&cleo, &run, "maybe").await;
    let counts = app.ears().hear(channel, "event_attendance").await;
    assert_eq!(counts.data()["maybe_count"], 1, "the same again is no news");
    answer(&ana, &run, "no").await;

    let path = format!("/events/{}", run["id"]);
    let seen = cleo.get(&path).await.ok();
    assert_eq!(
        (
            &seen["going_count"],
            &seen["maybe_count"],
            &seen["no_count"],
            &seen["my_rsvp"]
        ),
        (&json!(1), &json!(1), &json!(1), &json!("maybe"))
    );
    let attendees = async |query: &str| -> Vec<Value> {
        let page = ana.get(&format!("{path}/attendees{query}")).await.ok();
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|person| json!([person["username"], person["status"]]))
            .collect()
    };
    assert_eq!(
        attendees("").await,
        [
            json!(["ana", "no"]),
            json!(["cleo", "maybe"]),
            json!(["bob", "going"])
        ]
    );
    assert_eq!(attendees("?status=maybe").await, [json!(["cleo", "maybe"])]);
    assert_eq!(attendees("?limit=1").await, [json!(["ana", "no"])]);

    bob.post(&format!("/groups/{group}/leave"), &json!({}))
        .await
        .ok();
    assert_eq!(attendees("?status=going").await, [Value::Null; 0]);
    assert_eq!(ana.get(&path).await.ok()["going_count"], 0);
}
