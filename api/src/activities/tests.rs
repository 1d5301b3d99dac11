//! Stories of activities.

use serde_json::{Value, json};

use crate::app::testing::{Actor, TestApp};

impl Actor {
    /// `POST /activities`; answers its path.
    async fn runs(&self) -> String {
        let run = json!({ "activity_type": "running", "distance_km": 5.5 });
        let answer = self.post("/activities", &run).await;
        assert_eq!(answer.status, 201, "{}", answer.json);
        format!("/activities/{}", answer.json["id"])
    }
}

#[tokio::test]
async fn an_activity_is_written_and_read_and_is_in_the_feed() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    bo.follows(&ana).await;
    let run = json!({
        "activity_type": "running",
        "duration_minutes": 31,
        "distance_km": 5.25,
        "notes": "along the river",
        "activity_date": "2026-11-20",
        "attachments": [{ "url": "https://example.com/map.png", "media_type": "image/png" }],
    });
    let written = ana.post("/activities", &run).await;
    assert_eq!(written.status, 201, "{}", written.json);
    let path = format!("/activities/{}", written.json["id"]);
    let read = bo.get(&path).await.ok();
    assert_eq!(read, written.json);
    for (field, value) in run.as_object().unwrap() {
        if field != "attachments" {
            assert_eq!(&read[field], value, "{field}");
        }
    }
    assert_eq!(read["kind"], "activity");
    assert_eq!(read["content"], "");
    assert_eq!(read["attachments"][0]["url"], "https://example.com/map.png");
    assert_eq!(bo.get("/feed").await.ok()["items"][0], read);
    let as_post = path.replace("activities", "posts");
    assert_eq!(bo.get(&as_post).await.ok(), read);
}

#[tokio::test]
async fn a_post_is_no_activity() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let path = ana.posts("hello").await.replace("posts", "activities");
    assert_eq!(ana.get(&path).await.refusal(), (404, "not_found"));
    let like = format!("{path}/like");
    assert_eq!(
        ana.post(&like, &Value::Null).await.refusal(),
        (404, "not_found")
    );
    let comment = json!({ "content": "hi" });
    let comments = format!("{path}/comment");
    assert_eq!(
        ana.post(&comments, &comment).await.refusal(),
        (404, "not_found")
    );
}

#[tokio::test]
async fn the_owner_hears_of_a_like_once_and_of_one_s_own_never() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let run = ana.runs().await;
    let like = format!("{run}/like");
    ana.post(&like, &Value::Null).await.ok();
    for _ in 0..2 {
        let liked = bo.post(&like, &Value::Null).await.ok();
        assert_eq!(liked, json!({ "liked": true, "like_count": 2 }));
    }
    let heard = ana.hears("activity_liked").await;
    let id: i64 = run.trim_start_matches("/activities/").parse().unwrap();
    assert_eq!(
        heard.data(),
        &json!({ "activity_id": id, "user_id": bo.id() })
    );
    assert!(heard.event.position.is_some());
    let unliked = bo.delete(&like).await.ok();
    assert_eq!(unliked, json!({ "liked": false, "like_count": 1 }));
    // A comment comes after everything that the likes caused.
    let comments = format!("{run}/comment");
    bo.post(&comments, &json!({ "content": "well run" }))
        .await
        .ok();
    while ana.hears("notification").await.data()["subtype"] != "comment" {}
    assert!(!ana.unheard().contains(&"activity_liked".to_owned()));
}

#[tokio::test]
async fn comments_are_those_of_the_post() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let run = ana.runs().await;
    let comments = format!("{run}/comment");
    let comment = bo.post(&comments, &json!({ "content": "well run" })).await;
    assert_eq!(comment.status, 201, "{}", comment.json);
    assert_eq!(ana.get(&run).await.ok()["comment_count"], 1);
    let path = format!("{comments}/{}", comment.json["id"]);
    assert_eq!(bo.delete(&path).await.status, 204);
    assert_eq!(ana.get(&run).await.ok()["comment_count"], 0);
}

#[tokio::test]
async fn values_that_are_no_activity_are_all_named() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let wrong = json!({
        "activity_type": "",
        "duration_minutes": -1,
        "distance_km": -0.5,
        "notes": "x".repeat(2_001),
        "activity_date": "-004800-01-01",
        "attachments": [{ "url": "javascript:alert(1)" }],
    });
    let refused = ana.post("/activities", &wrong).await;
    assert_eq!(refused.refusal(), (422, "validation_failed"));
    let errors = refused.json["errors"].as_array().unwrap().iter();
    let fields: Vec<&str> = errors
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    let expected = [
        "activity_type",
        "duration_minutes",
        "distance_km",
        "notes",
        "activity_date",
        "attachments.0.url",
    ];
    assert_eq!(fields, expected);
    for (field, value) in [
        ("activity_type", json!(7)),
        ("activity_date", json!("yesterday")),
        ("duration_minutes", json!(1.5)),
        ("duration_minutes", json!(i64::MAX)),
        ("attachments", json!("none")),
        ("attachments.0", json!([7])),
    ] {
        let mut wrong = json!({ "activity_type": "run" });
        wrong[field.split('.').next().unwrap()] = value;
        let refused = ana.post("/activities", &wrong).await;
        assert_eq!(refused.refusal(), (422, "validation_failed"), "{wrong}");
        assert_eq!(refused.json["errors"][0]["field"], field, "{wrong}");
    }
}

#[tokio::test]
async fn a_private_account_s_activities_are_not_there_for_strangers() {
    let app = TestApp::start().await;
    let (ana, eve) = (app.private_user("ana").await, app.user("eve").await);
    let run = ana.runs().await;
    assert_eq!(eve.get(&run).await.refusal(), (404, "not_found"));
    let like = eve.post(&format!("{run}/like"), &Value::Null).await;
    assert_eq!(like.refusal(), (404, "not_found"));
}
