//! Stories of following.

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::ids::UserId;

use crate::app::testing::{Actor, Response, TestApp};

impl Actor {
    /// `PUT /users/{id}/follow`; answers the status.
    pub(crate) async fn follows(&self, other: &Actor) -> String {
        let path = format!("/users/{}/follow", other.id());
        let answer = self.put(&path, &Value::Null).await.ok();
        answer["status"].as_str().expect("a status").to_owned()
    }

    /// `POST /follow`.
    async fn toggles(&self, other: UserId) -> Response {
        self.post("/follow", &json!({ "user_id": other })).await
    }

    /// `POST /follow/requests/{user_id}`.
    async fn answers(&self, other: &Actor, action: &str) -> Response {
        let path = format!("/follow/requests/{}", other.id());
        self.post(&path, &json!({ "action": action })).await
    }

    /// Usernames in one page of a list of people, and its cursor.
    pub(crate) async fn lists(&self, path: &str) -> (Vec<String>, Option<String>) {
        let page = self.get(path).await.ok();
        let names = page["items"].as_array().expect("items").iter();
        let names = names.map(|item| item["username"].as_str().expect("a username").to_owned());
        (
            names.collect(),
            page["next_cursor"].as_str().map(str::to_owned),
        )
    }
}

#[tokio::test]
async fn a_public_account_is_followed_at_once_and_told() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);

    assert_eq!(
        ana.toggles(bo.id()).await.ok(),
        json!({ "status": "following" })
    );

    let heard = bo.hears("notification").await;
    assert_eq!(heard.data()["subtype"], "follow");
    assert_eq!(heard.data()["message"], "Ana follows you");
    let followers = format!("/users/{}/followers", bo.id());
    assert_eq!(ana.lists(&followers).await.0, ["ana"]);
    let following = format!("/users/{}/following", ana.id());
    assert_eq!(bo.lists(&following).await.0, ["bob"]);

    assert_eq!(ana.toggles(bo.id()).await.ok(), json!({ "status": "none" }));
    assert_eq!(ana.lists(&followers).await.0, [""; 0]);
}

#[tokio::test]
async fn a_private_account_is_asked_and_accepts() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.private_user("bob").await);

    assert_eq!(
        ana.toggles(bo.id()).await.ok(),
        json!({ "status": "requested" })
    );

    let event = bo.hears("follow_request").await;
    assert_eq!(event.data()["user"]["username"], "ana");
    assert_eq!(event.body["from_user_id"], json!(ana.id()));
    let notification = bo.hears("notification").await;
    assert_eq!(notification.data()["subtype"], "follow_request");
    let followers = format!("/users/{}/followers", bo.id());
    assert_eq!(ana.get(&followers).await.refusal(), (404, "not_found"));
    assert_eq!(bo.lists("/follow/requests").await.0, ["ana"]);
    assert_eq!(bo.lists(&followers).await.0, [""; 0]);

    assert_eq!(
        bo.answers(&ana, "accept").await.ok(),
        json!({ "status": "following" })
    );

    assert_eq!(ana.lists(&followers).await.0, ["ana"]);
    assert_eq!(bo.lists("/follow/requests").await.0, [""; 0]);
    assert_eq!(
        bo.answers(&ana, "accept").await.refusal(),
        (404, "not_found")
    );
    assert_eq!(
        bo.answers(&ana, "reject").await.refusal(),
        (404, "not_found")
    );
    assert_eq!(ana.follows(&bo).await, "following");
}

#[tokio::test]
async fn a_request_is_rejected_or_taken_back() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.private_user("bob").await);

    assert_eq!(ana.follows(&bo).await, "requested");
    assert_eq!(
        bo.answers(&ana, "reject").await.ok(),
        json!({ "status": "none" })
    );
    assert_eq!(bo.lists("/follow/requests").await.0, [""; 0]);

    assert_eq!(
        ana.toggles(bo.id()).await.ok(),
        json!({ "status": "requested" })
    );
    assert_eq!(ana.toggles(bo.id()).await.ok(), json!({ "status": "none" }));
    assert_eq!(
        bo.answers(&ana, "accept").await.refusal(),
        (404, "not_found")
    );
}

#[tokio::test]
async fn set_and_clear_may_be_repeated() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let path = format!("/users/{}/follow", bo.id());

    assert_eq!(ana.follows(&bo).await, "following");
    assert_eq!(ana.follows(&bo).await, "following");
    // The event that comes after it shows that the second time made none.
    ana.asks_to_be_friends(&bo).await;
    for subtype in ["follow", "friend_request"] {
        assert_eq!(bo.hears("notification").await.data()["subtype"], subtype);
    }
    for _ in 0..2 {
        assert_eq!(ana.delete(&path).await.ok(), json!({ "status": "none" }));
    }
    let followers = format!("/users/{}/followers", bo.id());
    assert_eq!(bo.lists(&followers).await.0, [""; 0]);
    assert_eq!(bo.unheard(), [""; 0]);
}

#[tokio::test]
async fn what_cannot_be_followed() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let nobody = UserId::new(9_000_000_000).unwrap();
    let own = format!("/users/{}/follow", ana.id());

    assert_eq!(
        ana.toggles(ana.id()).await.refusal(),
        (409, "self_not_allowed")
    );
    assert_eq!(
        ana.put(&own, &Value::Null).await.refusal(),
        (409, "self_not_allowed")
    );
    assert_eq!(ana.delete(&own).await.refusal(), (409, "self_not_allowed"));
    assert_eq!(ana.toggles(nobody).await.refusal(), (404, "not_found"));
    for path in [
        "/users/9000000000/follow",
        "/users/0/follow",
        "/users/x/follow",
    ] {
        assert_eq!(
            ana.put(path, &Value::Null).await.refusal(),
            (404, "not_found"),
            "{path}"
        );
        assert_eq!(
            ana.delete(path).await.refusal(),
            (404, "not_found"),
            "{path}"
        );
    }
    for body in [
        json!({}),
        json!({ "user_id": -1 }),
        json!({ "user_id": 1.5 }),
        json!([]),
    ] {
        let answer = ana.post("/follow", &body).await;
        assert_eq!(answer.refusal(), (422, "validation_failed"), "{body}");
    }
    let answer = ana
        .post("/follow/requests/1", &json!({ "action": "maybe" }))
        .await;
    assert_eq!(answer.refusal(), (422, "validation_failed"));
    assert_eq!(answer.json["errors"][0]["field"], "action");
    let stranger = app.visitor().get("/follow/requests").await;
    assert_eq!(stranger.refusal(), (401, "unauthenticated"));
}

#[tokio::test]
async fn lists_are_read_page_by_page_while_they_grow() {
    let app = TestApp::start().await;
    let star = app.user("star").await;
    for name in ["fan1", "fan2", "fan3", "fan4", "fan5"] {
        app.user(name).await.follows(&star).await;
    }
    let path = format!("/users/{}/followers?limit=2", star.id());

    let (first, cursor) = star.lists(&path).await;
    app.user("fan6").await.follows(&star).await;
    let (second, cursor) = star
        .lists(&format!("{path}&cursor={}", cursor.unwrap()))
        .await;
    let (third, cursor) = star
        .lists(&format!("{path}&cursor={}", cursor.unwrap()))
        .await;

    assert_eq!(
        [first, second, third].concat(),
        ["fan5", "fan4", "fan3", "fan2", "fan1"]
    );
    assert_eq!(cursor, None);
}

#[tokio::test]
async fn following_at_once_from_many_devices_is_following_once() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);

    let statuses = join_all((0..12).map(|_| ana.follows(&bo))).await;

    assert!(
        statuses.iter().all(|status| status == "following"),
        "{statuses:?}"
    );
    let followers = format!("/users/{}/followers", bo.id());
    assert_eq!(bo.lists(&followers).await.0, ["ana"]);
    assert_eq!(bo.get("/notifications").await.ok()["unread_count"], 1);
}

#[tokio::test]
async fn toggling_at_once_is_toggling_one_after_the_other() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);

    let answers = join_all((0..11).map(|_| ana.toggles(bo.id()))).await;

    let answers = answers
        .into_iter()
        .map(|answer| answer.ok()["status"].clone());
    let following = answers.filter(|status| status == "following").count();
    assert_eq!(following, 6);
    let followers = format!("/users/{}/followers", bo.id());
    assert_eq!(bo.lists(&followers).await.0, ["ana"]);
}

#[tokio::test]
async fn one_request_has_one_answer_though_two_are_given_at_once() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.private_user("bob").await);
    ana.follows(&bo).await;

    let answers = tokio::join!(bo.answers(&ana, "accept"), bo.answers(&ana, "reject"));

    let mut statuses = [answers.0.status, answers.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
    let accepted = answers.0.status == 200;
    let followers = format!("/users/{}/followers", bo.id());
    assert_eq!(bo.lists(&followers).await.0.len(), usize::from(accepted));
}

#[tokio::test]
async fn an_account_that_becomes_public_accepts_whoever_has_asked() {
    let app = TestApp::start().await;
    let (ana, eve) = (app.user("ana").await, app.user("eve").await);
    let bob = app.private_user("bob").await;
    let star = app.private_user("star").await;
    ana.follows(&bob).await;
    eve.follows(&bob).await;
    ana.follows(&star).await;

    // Another change of the profile accepts nobody.
    let change = json!({ "bio": "hello", "is_private": true });
    bob.patch("/users/me", &change).await.ok();
    assert_eq!(bob.lists("/follow/requests").await.0, ["eve", "ana"]);

    let change = json!({ "is_private": false });
    bob.patch("/users/me", &change).await.ok();

    let followers = format!("/users/{}/followers", bob.id());
    assert_eq!(ana.lists(&followers).await.0, ["eve", "ana"]);
    assert_eq!(bob.lists("/follow/requests").await.0, [""; 0]);
    assert_eq!(star.lists("/follow/requests").await.0, ["ana"]);
}

#[tokio::test]
async fn whoever_asks_while_the_account_becomes_public_follows_it() {
    let app = TestApp::start().await;
    let bob = app.user("bob").await;
    let followers = format!("/users/{}/followers", bob.id());
    for round in 0..6 {
        let private = json!({ "is_private": true });
        bob.patch("/users/me", &private).await.ok();
        let fan = app.user(&format!("fan{round}")).await;
        let public = json!({ "is_private": false });

        tokio::join!(fan.follows(&bob), bob.patch("/users/me", &public));

        let (names, _) = bob.lists(&followers).await;
        assert_eq!(names[0], fan.username());
        assert_eq!(bob.lists("/follow/requests").await.0, [""; 0]);
    }
}

#[tokio::test]
async fn whoever_gives_up_asking_while_the_account_becomes_public_is_no_contact() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    assert_eq!(bob.follows(&ana).await, "following");
    assert_eq!(ana.follows(&bob).await, "requested");
    // Both changes meet at the request, the one that makes contacts of the two first.
    let held = app.app().begin().await.unwrap();
    let hold = "select status from follows where follower_id = $1 for update";
    let _status: String = held.query_one(hold, &[&ana.id().get()]).await.unwrap();
    let owner = bob.clone();
    let open = json!({ "is_private": false });
    let opening = tokio::spawn(async move { owner.patch("/users/me", &open).await.status });
    app.until_waiting(1).await;
    let (asker, path) = (ana.clone(), format!("/users/{}/follow", bob.id()));
    let giving_up = tokio::spawn(async move { asker.delete(&path).await.ok() });
    app.until_waiting(2).await;
    drop(held);

    assert_eq!(opening.await.unwrap(), 200);
    assert_eq!(giving_up.await.unwrap(), json!({ "status": "none" }));

    // Who shows whom that they are online is told as it is in the end.
    for contact in [true, false] {
        let told = bob.hears("presence_contact").await;
        let expected = json!({ "user_id": ana.id(), "contact": contact });
        assert_eq!(told.data(), &expected);
    }
}

#[tokio::test]
async fn whoever_is_accepted_because_the_account_became_public_has_another_feed() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    assert_eq!(ana.follows(&bob).await, "requested");

    let open = json!({ "is_private": false });
    bob.patch("/users/me", &open).await.ok();

    ana.hears("feed_update_available").await;
}

#[tokio::test]
async fn the_notification_of_a_request_answers_it() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    ana.follows(&bob).await;
    let told = bob.hears("notification").await;
    let path = format!("/notifications/{}", told.data()["notification"]["id"]);

    let accept = json!({ "action": "accept" });
    bob.post(&path, &accept).await.ok();

    assert_eq!(ana.follows(&bob).await, "following");
}
