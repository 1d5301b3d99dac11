//! Stories of likes.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::telling::TellLikes;
use crate::app::{
    jobs,
    testing::{Actor, Response, TestApp},
};

const PATIENCE: Duration = Duration::from_secs(10);

impl Actor {
    /// `PUT {post}/like`.
    async fn likes(&self, post: &str) -> Value {
        self.put(&format!("{post}/like"), &Value::Null).await.ok()
    }

    /// `DELETE {post}/like`.
    async fn unlikes(&self, post: &str) -> Value {
        self.delete(&format!("{post}/like")).await.ok()
    }

    /// `POST {post}/like`.
    async fn toggles_like(&self, post: &str) -> Response {
        self.post(&format!("{post}/like"), &Value::Null).await
    }
}

#[tokio::test]
async fn a_like_is_toggled_and_its_author_is_told() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let post = ana.posts("hello").await;

    let liked = bo.toggles_like(&post).await.ok();
    assert_eq!(liked, json!({ "liked": true, "like_count": 1 }));

    let heard = ana.hears("notification").await;
    assert_eq!(heard.data()["subtype"], "like");
    assert_eq!(heard.data()["message"], "Bob liked your post");

    let unliked = bo.toggles_like(&post).await.ok();
    assert_eq!(unliked, json!({ "liked": false, "like_count": 0 }));
}

#[tokio::test]
async fn set_and_clear_may_be_repeated() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let post = ana.posts("hello").await;

    for _ in 0..2 {
        assert_eq!(
            bo.likes(&post).await,
            json!({ "liked": true, "like_count": 1 })
        );
    }
    assert_eq!(ana.get("/notifications").await.ok()["unread_count"], 1);
    for _ in 0..2 {
        assert_eq!(
            bo.unlikes(&post).await,
            json!({ "liked": false, "like_count": 0 })
        );
    }
}

#[tokio::test]
async fn one_s_own_like_counts_but_is_no_news() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let post = ana.posts("hello").await;

    assert_eq!(ana.likes(&post).await["like_count"], 1);
    assert_eq!(ana.get("/notifications").await.ok()["unread_count"], 0);
}

#[tokio::test]
async fn twenty_people_like_at_once_and_every_like_counts() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let post = ana.posts("hello").await;
    let mut fans = Vec::new();
    for number in 0..20 {
        fans.push(app.user(&format!("fan{number}")).await);
    }

    let answers = join_all(fans.iter().map(|fan| fan.likes(&post))).await;

    assert!(
        answers.iter().all(|answer| answer["liked"] == true),
        "{answers:?}"
    );
    assert_eq!(ana.get(&post).await.ok()["like_count"], 20);
    // Folded into one, which counts them all: those who met another like in the telling are told of right after.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = ana.get("/notifications").await.ok();
        assert_eq!(told["unread_count"], 1);
        if told["items"][0]["data"]["actor_count"] == 20 {
            break;
        }
        assert!(Instant::now() < deadline, "{told}");
        jobs::run_once(&mut TellLikes, app.app()).await;
        sleep(Duration::from_millis(20)).await;
    }

    join_all(fans.iter().map(|fan| fan.unlikes(&post))).await;
    assert_eq!(ana.get(&post).await.ok()["like_count"], 0);
}

#[tokio::test]
async fn toggling_at_once_is_toggling_one_after_the_other() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let post = ana.posts("hello").await;

    let answers = join_all((0..11).map(|_| bo.toggles_like(&post))).await;

    let answers = answers.into_iter().map(Response::ok);
    assert_eq!(answers.filter(|answer| answer["liked"] == true).count(), 6);
    let read = bo.get(&post).await.ok();
    assert_eq!(
        (&read["like_count"], &read["liked_by_me"]),
        (&json!(1), &json!(true))
    );
}

#[tokio::test]
async fn liking_at_once_from_many_devices_is_liking_once() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let post = ana.posts("hello").await;

    let answers = join_all((0..12).map(|_| bo.likes(&post))).await;

    let expected = json!({ "liked": true, "like_count": 1 });
    assert!(
        answers.iter().all(|answer| *answer == expected),
        "{answers:?}"
    );
    assert_eq!(ana.get("/notifications").await.ok()["unread_count"], 1);
}

#[tokio::test]
async fn a_like_that_meets_another_in_the_telling_waits_for_nobody_and_is_told_once() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let (eve, max) = (app.user("eve").await, app.user("max").await);
    let activity =
        json!({ "content": "ran", "activity_type": "running", "activity_date": "2026-11-21" });
    let id = ana.post("/activities", &activity).await.ok()["id"].clone();
    let post = format!("/posts/{id}");
    let telling = app.app().begin().await.unwrap();
    let id = id.to_string().parse().unwrap();
    assert!(
        super::queries::try_lock_telling(&telling, id)
            .await
            .unwrap()
    );

    for (fan, count) in [(&bo, 1), (&eve, 2), (&max, 3)] {
        assert_eq!(fan.likes(&post).await["like_count"], count);
    }
    // Nobody is told of a like that was taken back.
    max.unlikes(&post).await;
    assert_eq!(ana.get("/notifications").await.ok()["unread_count"], 0);
    drop(telling);

    jobs::run_once(&mut TellLikes, app.app()).await;
    for fan in [&bo, &eve] {
        let heard = ana.hears("activity_liked").await;
        assert_eq!(heard.data()["user_id"], json!(fan.id()));
    }
    let told = ana.get("/notifications").await.ok();
    assert_eq!(
        told["items"][0]["message"],
        "Eve and 1 other liked your post"
    );
    assert_eq!(told["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_like_that_is_left_to_be_told_is_not_told_after_a_block() {
    let app = TestApp::start().await;
    let (ana, bo, eve) = (
        app.user("ana").await,
        app.user("bob").await,
        app.user("eve").await,
    );
    let activity = json!({ "content": "ran", "activity_type": "running" });
    let id = ana.post("/activities", &activity).await.ok()["id"].clone();
    let post = format!("/posts/{id}");
    let telling = app.app().begin().await.unwrap();
    let id = id.to_string().parse().unwrap();
    let is_alone = super::queries::try_lock_telling(&telling, id).await;
    assert!(is_alone.unwrap());
    for fan in [&bo, &eve] {
        fan.likes(&post).await;
    }

    ana.blocks(&bo).await;
    drop(telling);
    jobs::run_once(&mut TellLikes, app.app()).await;

    let heard = ana.hears("activity_liked").await;
    assert_eq!(heard.data()["user_id"], json!(eve.id()));
    let told = ana.get("/notifications").await.ok();
    assert_eq!(told["items"][0]["message"], "Eve liked your post");
}
