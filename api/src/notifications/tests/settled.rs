//! Whatever way a request ends, nobody is asked any more.

use serde_json::{Value, json};

use crate::app::testing::{Actor, TestApp};

/// What somebody's notifications of this type ask, the newest first.
async fn asked(who: &Actor, kind: &str) -> Vec<bool> {
    let page = who.get("/notifications").await.ok();
    let items = page["items"].as_array().unwrap().iter();
    items
        .filter(|item| item["type"] == kind)
        .map(|item| item["data"]["actions"].is_array() && item["is_read"] == false)
        .collect()
}

async fn private_group(owner: &Actor, admin: &Actor) -> Value {
    let group = json!({"name": "Runners", "is_private": true});
    let group = owner.post("/groups", &group).await.ok()["id"].clone();
    invite(owner, &group, admin).await;
    answer_invitation(admin, &group, "accept").await;
    let member = format!("/groups/{group}/members/{}", admin.id());
    assert_eq!(
        owner.patch(&member, &json!({"role": "admin"})).await.status,
        204
    );
    group
}

async fn invite(by: &Actor, group: &Value, who: &Actor) {
    let invite = json!({"group_id": group, "user_id": who.id()});
    by.post("/groups/invite", &invite).await.ok();
}

async fn answer_invitation(who: &Actor, group: &Value, action: &str) {
    let path = format!("/groups/{group}/invitation");
    who.post(&path, &json!({"action": action})).await.ok();
}

async fn ask(who: &Actor, group: &Value) {
    let path = format!("/groups/{group}/join");
    let status = who.post(&path, &json!({})).await.ok();
    assert_eq!(status["status"], "requested");
}

async fn answer_request(by: &Actor, group: &Value, who: &Actor, action: &str) {
    let path = format!("/groups/{group}/requests/{}", who.id());
    by.post(&path, &json!({"action": action})).await.ok();
}

#[tokio::test]
async fn a_request_to_join_that_one_admin_answers_is_settled_for_all() {
    let app = TestApp::start().await;
    let (ana, bob) = tokio::join!(app.user("ana"), app.user("bob"));
    let (cleo, dan, eve) = tokio::join!(app.user("cleo"), app.user("dan"), app.user("eve"));
    let group = private_group(&ana, &bob).await;
    for who in [&cleo, &dan, &eve] {
        ask(who, &group).await;
    }
    for admin in [&ana, &bob] {
        assert_eq!(asked(admin, "group_join_request").await, [true, true, true]);
    }
    answer_request(&bob, &group, &cleo, "accept").await;
    answer_request(&bob, &group, &dan, "reject").await;
    // An invitation is an answer too.
    invite(&ana, &group, &eve).await;
    for admin in [&ana, &bob] {
        assert_eq!(
            asked(admin, "group_join_request").await,
            [false, false, false]
        );
        let heard = admin.hears("notification_marked_read").await;
        assert_eq!(heard.data()["settled"], true);
    }
    ask(&dan, &group).await;
    assert_eq!(
        asked(&ana, "group_join_request").await,
        [true, false, false, false],
        "who asks again is told of again"
    );
}

#[tokio::test]
async fn an_invitation_is_settled_however_it_ends() {
    let app = TestApp::start().await;
    let (ana, bob) = tokio::join!(app.user("ana"), app.user("bob"));
    let (cleo, dan, eve) = tokio::join!(app.user("cleo"), app.user("dan"), app.user("eve"));
    let group = private_group(&ana, &bob).await;
    assert_eq!(asked(&bob, "group_invite").await, [false], "accepted");
    for who in [&cleo, &dan, &eve] {
        invite(&ana, &group, who).await;
        assert_eq!(asked(who, "group_invite").await, [true]);
    }
    answer_invitation(&cleo, &group, "decline").await;
    let withdrawn = format!("/groups/{group}/invitations/{}", dan.id());
    assert_eq!(ana.delete(&withdrawn).await.status, 204);
    eve.post(&format!("/groups/{group}/join"), &json!({}))
        .await
        .ok();
    for who in [&cleo, &dan, &eve] {
        assert_eq!(asked(who, "group_invite").await, [false]);
    }
}

#[tokio::test]
async fn what_was_asked_for_a_group_that_is_gone_is_not_offered_again() {
    let app = TestApp::start().await;
    let (ana, bob, cleo) = tokio::join!(app.user("ana"), app.user("bob"), app.user("cleo"));
    let group = private_group(&ana, &bob).await;
    invite(&ana, &group, &cleo).await;
    let told = cleo.hears("notification").await;
    ana.delete(&format!("/groups/{group}")).await.ok();
    let path = format!("/notifications/{}", told.data()["notification"]["id"]);
    let accept = json!({"action": "accept"});
    assert_eq!(
        cleo.post(&path, &accept).await.refusal(),
        (404, "not_found")
    );
    assert_eq!(
        cleo.post(&path, &accept).await.refusal(),
        (409, "no_action")
    );
    assert_eq!(asked(&cleo, "group_invite").await, [false]);
}

#[tokio::test]
async fn requests_to_follow_an_account_that_becomes_public_are_settled() {
    let app = TestApp::start().await;
    let (ana, bob) = tokio::join!(app.user("ana"), app.user("bob"));
    let cleo = app.private_user("cleo").await;
    for who in [&ana, &bob] {
        assert_eq!(who.follows(&cleo).await, "requested");
    }
    assert_eq!(asked(&cleo, "follow_request").await, [true, true]);
    cleo.patch("/users/me", &json!({"is_private": false}))
        .await
        .ok();
    assert_eq!(asked(&cleo, "follow_request").await, [false, false]);
    let answer = format!("/follow/requests/{}", ana.id());
    let late = cleo.post(&answer, &json!({"action": "accept"})).await;
    assert_eq!(late.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn friend_requests_are_settled_however_they_end() {
    let app = TestApp::start().await;
    let (ana, bob) = tokio::join!(app.user("ana"), app.user("bob"));
    let (cleo, dan) = tokio::join!(app.user("cleo"), app.user("dan"));
    let request = async |from: &Actor, to: &Actor| {
        let path = format!("/friends/request/{}", to.id());
        from.post(&path, &json!({})).await.ok();
    };
    for who in [&bob, &cleo, &dan] {
        request(&ana, who).await;
        assert_eq!(asked(who, "friend_request").await, [true]);
    }
    bob.post(&format!("/friends/accept/{}", ana.id()), &json!({}))
        .await
        .ok();
    cleo.post(&format!("/friends/reject/{}", ana.id()), &json!({}))
        .await
        .ok();
    ana.delete(&format!("/friends/{}", dan.id())).await.ok();
    for who in [&bob, &cleo, &dan] {
        assert_eq!(asked(who, "friend_request").await, [false]);
    }
}

#[tokio::test]
async fn the_acts_of_a_suspended_account_are_neither_listed_nor_counted() {
    let app = TestApp::start().await;
    let (ana, bob) = tokio::join!(app.user("ana"), app.user("bob"));
    ana.follows(&bob).await;
    let told = bob.get("/notifications").await.ok();
    assert_eq!(
        (
            &told["unread_count"],
            told["items"].as_array().unwrap().len()
        ),
        (&json!(1), 1)
    );
    let mut tx = app.app().begin().await.unwrap();
    crate::auth::moderation::suspend(&mut tx, ana.id())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let told = bob.get("/notifications").await.ok();
    assert_eq!(
        (&told["unread_count"], &told["items"]),
        (&json!(0), &json!([]))
    );
}
