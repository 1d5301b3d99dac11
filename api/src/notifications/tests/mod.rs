mod answers;
mod folding;
mod send;
mod settled;
mod wishes;

use serde_json::{Value, json};
use shared::clock::Clock;

use super::{NewNotification, notify};
use crate::app::{
    db::Tx,
    error::Error,
    notification_type::NotificationType,
    testing::{Actor, TestApp},
};

static POKE: NotificationType = NotificationType::new("poke", "A poke");

async fn tell(tx: &mut Tx, to: &Actor, actor: &Actor, related_id: i64) -> Result<(), Error> {
    let notification = NewNotification {
        to: to.id(),
        actor: actor.id(),
        kind: &POKE,
        message: format!("{} poked you", actor.username()),
        related_id: Some(related_id),
        data: json!({"force": 3}),
    };
    notify(tx, notification).await
}

async fn pokes(app: &TestApp, actor: &Actor, to: &Actor, related_id: i64) {
    let mut tx = app.app().begin().await.unwrap();
    tell(&mut tx, to, actor, related_id).await.unwrap();
    tx.commit().await.unwrap();
}

async fn unread_count(user: &Actor) -> Value {
    user.get("/notifications").await.ok()["unread_count"].clone()
}

#[tokio::test]
async fn somebody_is_told_and_finds_the_same_in_the_list() {
    let start = "2026-01-02T03:04:05.678Z".parse().unwrap();
    let app = TestApp::start_at(Clock::manual(start), |_| {}).await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    pokes(&app, &ana, &bob, 7).await;

    let notification = json!({
        "id": 1,
        "type": "poke",
        "title": "A poke",
        "message": "ana poked you",
        "related_id": 7,
        "actor": {"id": ana.id(), "username": "ana", "name": "Ana", "avatar": null},
        "data": {"force": 3},
        "is_read": false,
        "created_at": "2026-01-02T03:04:05.678Z",
    });
    let heard = bob.hears("notification").await;
    assert_eq!(
        heard.body,
        json!({
            "timestamp": 1_767_323_045,
            "from_user_id": ana.id(),
            "to_user_id": bob.id(),
            "data": {
                "subtype": "poke",
                "user_id": ana.id(),
                "user_name": "Ana",
                "message": "ana poked you",
                "notification": notification,
                "additional_data": {"force": 3},
            },
        })
    );
    assert_eq!(
        bob.get("/notifications").await.ok(),
        json!({"items": [notification], "next_cursor": null, "unread_count": 1})
    );
    assert_eq!(ana.get("/notifications").await.ok()["items"], json!([]));
}

#[tokio::test]
async fn nobody_is_told_of_their_own_acts() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    pokes(&app, &ana, &ana, 1).await;
    pokes(&app, &bob, &ana, 2).await;

    let heard = ana.hears("notification").await;
    assert_eq!(heard.data()["notification"]["related_id"], 2);
    assert_eq!(heard.offset(), 1, "nothing came before it");
    assert_eq!(unread_count(&ana).await, 1);
}

#[tokio::test]
async fn one_that_is_read_stays_read_and_other_devices_hear_of_it_once() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    for related_id in 1..=2 {
        pokes(&app, &ana, &bob, related_id).await;
    }
    let first = bob.hears("notification").await.data()["notification"]["id"].clone();
    let second = bob.hears("notification").await.data()["notification"]["id"].clone();

    let path = format!("/notifications/{first}/read");
    for _ in 0..2 {
        let read = bob.post(&path, &json!({})).await.ok();
        assert_eq!(read, json!({"notification_id": first, "is_read": true}));
    }
    assert_eq!(unread_count(&bob).await, 1);
    let heard = bob.hears("notification_marked_read").await;
    assert_eq!(heard.data(), &json!({"notification_id": first}));

    let command = json!({"notification_id": second});
    let acknowledged = app.command(&bob, "mark_notification_read", command).await;
    assert_eq!(
        acknowledged.unwrap(),
        json!({"notification_id": second, "is_read": true})
    );
    let heard = bob.hears("notification_marked_read").await;
    assert_eq!(heard.data(), &json!({"notification_id": second}));
    assert_eq!(unread_count(&bob).await, 0);
    let items = bob.get("/notifications").await.ok()["items"].clone();
    let read: Vec<&Value> = items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["is_read"])
        .collect();
    assert_eq!(read, [true, true]);
}

#[tokio::test]
async fn other_people_s_notifications_are_not_there() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    pokes(&app, &ana, &bob, 1).await;
    let id = bob.hears("notification").await.data()["notification"]["id"].clone();

    for path in [
        format!("/notifications/{id}/read"),
        "/notifications/999/read".to_owned(),
        "/notifications/9007199254740992/read".to_owned(),
        "/notifications/one/read".to_owned(),
    ] {
        let refused = ana.post(&path, &json!({})).await;
        assert_eq!(refused.refusal(), (404, "not_found"), "{path}");
    }
    let command = json!({"notification_id": id});
    let refused = app.command(&ana, "mark_notification_read", command).await;
    assert_eq!(refused.unwrap_err()["code"], "not_found");
    for command in [
        json!({}),
        json!({"notification_id": "x"}),
        json!({"notification_id": 0}),
    ] {
        let refused = app
            .command(&ana, "mark_notification_read", command.clone())
            .await;
        assert_eq!(
            refused.unwrap_err()["code"],
            "validation_failed",
            "{command}"
        );
    }
    assert_eq!(unread_count(&bob).await, 1);
}

#[tokio::test]
async fn reading_all_reads_also_the_one_that_is_being_written() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    pokes(&app, &ana, &bob, 1).await;
    let mut tx = app.app().begin().await.unwrap();
    tell(&mut tx, &bob, &ana, 2).await.unwrap();

    let reader = bob.clone();
    let reading =
        tokio::spawn(async move { reader.post("/notifications/read", &json!({})).await.ok() });
    // Done without waiting for the writer would be the defect that this test is for.
    app.until_waiting(1).await;
    tx.commit().await.unwrap();

    assert_eq!(reading.await.unwrap(), json!({"marked": 2}));
    assert_eq!(unread_count(&bob).await, 0);
    let heard = bob.hears("notification_marked_read").await;
    assert_eq!((heard.data(), heard.offset()), (&json!({"all": true}), 3));
    // Nothing is unread any more, so there is nothing to tell.
    let again = bob.post("/notifications/read", &json!({})).await.ok();
    assert_eq!(again, json!({"marked": 0}));
    pokes(&app, &ana, &bob, 3).await;
    let offsets = [
        bob.hears("notification").await.offset(),
        bob.hears("notification").await.offset(),
        bob.hears("notification").await.offset(),
    ];
    assert_eq!(offsets, [1, 2, 4]);
}

#[tokio::test]
async fn the_list_goes_on_by_cursor_and_by_offset() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    for related_id in 1..=5 {
        pokes(&app, &ana, &bob, related_id).await;
    }
    let related_ids = |page: &Value| -> Vec<i64> {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| item["related_id"].as_i64().unwrap())
            .collect()
    };

    let first = bob.get("/notifications?limit=2").await.ok();
    assert_eq!(related_ids(&first), [5, 4]);
    assert_eq!(first["unread_count"], 5, "of all, not of the page");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = bob
        .get(&format!("/notifications?limit=3&cursor={cursor}"))
        .await
        .ok();
    assert_eq!(related_ids(&second), [3, 2, 1]);
    assert_eq!(second["next_cursor"], Value::Null);
    let offset = bob.get("/notifications?limit=2&offset=3").await.ok();
    assert_eq!(related_ids(&offset), [2, 1]);

    for query in ["limit=0", "limit=101", "limit=x", "offset=-1"] {
        let refused = bob.get(&format!("/notifications?{query}")).await;
        assert_eq!(refused.refusal(), (422, "validation_failed"), "{query}");
    }
    let refused = bob.get("/notifications?cursor=nonsense").await;
    assert_eq!(refused.refusal(), (400, "invalid_request"));
}
