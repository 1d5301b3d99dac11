//! Stories of accounts that are closed.

use std::time::Duration;

use serde_json::{Value, json};
use shared::wire::Channel;
use tokio::time::{Instant, sleep};

use super::empty::EmptyAccounts;
use crate::app::{
    jobs,
    testing::{Actor, PASSWORD, TestApp},
};

const PATIENCE: Duration = Duration::from_secs(10);

impl Actor {
    async fn closes_account(&self) {
        assert_eq!(self.delete("/users/me").await.status, 204);
    }
}

/// Runs the job until what it does shows; the app's own may be at it at the same time.
async fn until_emptied(app: &TestApp, is_so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "not emptied");
        jobs::run_once(&mut EmptyAccounts, app.app()).await;
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_closed_account_is_not_there_from_that_moment_on() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    bo.follows(&ana).await;
    let post = ana.posts("hello").await;
    let bo_s = bo.posts("mine").await;
    let comment = json!({ "content": "nice" });
    ana.post(&format!("{bo_s}/comments"), &comment).await.ok();
    app.ears().join(Channel::Broadcast).await;

    ana.closes_account().await;

    ana.hears("session_revoked").await;
    let heard = app.ears().hear(Channel::Broadcast, "account_changed").await;
    assert_eq!(heard.data(), &json!({ "user_id": ana.id() }));
    assert_eq!(
        ana.get("/auth/me").await.refusal(),
        (401, "session_revoked")
    );
    for login in [
        json!({ "username": "ana", "password": PASSWORD }),
        json!({ "email": "ana@example.com", "password": PASSWORD }),
    ] {
        let refused = app.visitor().post("/auth/login", &login).await;
        assert_eq!(refused.refusal(), (401, "invalid_credentials"));
    }
    for path in [&format!("/users/{}", ana.id()), &post] {
        assert_eq!(bo.get(path).await.refusal(), (404, "not_found"), "{path}");
    }
    for path in [
        "/feed",
        "/feed?type=public",
        "/search?q=ana",
        &format!("{bo_s}/comments"),
        &format!("/users/{}/following", bo.id()),
    ] {
        let items = bo.get(path).await.ok()["items"].clone();
        let of_ana = items.as_array().unwrap().iter();
        let of_ana = of_ana.filter(|item| item.to_string().contains("\"ana\""));
        assert_eq!(of_ana.count(), 0, "{path}: {items}");
    }
    let message = json!({ "to": ana.id(), "content": "are you there?" });
    assert_eq!(
        bo.post("/messages", &message).await.refusal(),
        (404, "not_found")
    );
}

#[tokio::test]
async fn what_it_did_is_taken_away_and_its_names_are_free_and_messages_stay() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let post = bo.posts("hello").await;
    ana.put(&format!("{post}/like"), &Value::Null).await.ok();
    let comment = json!({ "content": "nice" });
    ana.post(&format!("{post}/comments"), &comment).await.ok();
    ana.put(&format!("{post}/reaction"), &json!({ "emoji": "👍" }))
        .await
        .ok();
    let message = json!({ "to": bo.id(), "content": "good bye" });
    ana.post("/messages", &message).await.ok();

    ana.closes_account().await;

    until_emptied(&app, async || {
        let read = bo.get(&post).await.ok();
        (
            &read["like_count"],
            &read["comment_count"],
            &read["reactions"],
        ) == (&json!(0), &json!(0), &json!({}))
    })
    .await;
    let name = format!("deleted_{}", ana.id());
    until_emptied(&app, async || {
        let conversations = bo.get("/conversations").await.ok().to_string();
        conversations.contains("good bye") && conversations.contains(&name)
    })
    .await;
    let register = json!({
        "username": "ana", "email": "ana@example.com", "password": "another password"
    });
    let anew = app.visitor().post("/auth/register", &register).await;
    assert_eq!(anew.status, 201, "{}", anew.json);
    let imitation = json!({
        "username": "deleted_1", "email": "x@example.com", "password": "another password"
    });
    let refused = app.visitor().post("/auth/register", &imitation).await;
    assert_eq!(refused.refusal(), (422, "validation_failed"));
}

#[tokio::test]
async fn its_groups_go_to_who_has_been_there_longest_or_end() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let (eve, max) = (app.user("eve").await, app.user("max").await);
    let mut groups = Vec::new();
    for name in ["Shared", "Led", "Alone"] {
        let group = json!({ "name": name, "is_private": false });
        groups.push(ana.post("/groups", &group).await.ok()["id"].clone());
    }
    for group in &groups[..2] {
        for member in [&bo, &eve, &max] {
            let path = format!("/groups/{group}/join");
            member.post(&path, &json!({})).await.ok();
        }
    }
    let path = format!("/groups/{}/members/{}", groups[1], eve.id());
    ana.patch(&path, &json!({ "role": "admin" })).await.ok();

    ana.closes_account().await;

    for (group, heir) in [(&groups[0], &bo), (&groups[1], &eve)] {
        let read = heir.get(&format!("/groups/{group}")).await.ok();
        assert_eq!(
            (&read["my_role"], &read["member_count"]),
            (&json!("owner"), &json!(3))
        );
    }
    let alone = format!("/groups/{}", groups[2]);
    assert_eq!(bo.get(&alone).await.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn what_was_being_written_while_it_closed_is_taken_away_too() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let post = bo.posts("hello").await;
    let id: i64 = post.trim_start_matches("/posts/").parse().unwrap();
    // Ana's other device is in the middle of it.
    let late = app.app().begin().await.unwrap();
    let comment = "insert into comments (post_id, author_id, content, created_at) values ($1, $2, 'late', now())";
    let added = late.execute(comment, &[&id, &ana.id().get()]).await;
    assert_eq!(added.unwrap(), 1);

    ana.closes_account().await;
    let pod = app.app().clone();
    let emptying = tokio::spawn(async move { jobs::run_once(&mut EmptyAccounts, &pod).await });
    app.until_waiting(1).await;
    late.commit().await.unwrap();
    emptying.await.unwrap();

    let name = format!("deleted_{}", ana.id());
    until_emptied(&app, async || {
        let db = app.app().read().await.unwrap();
        let statement = "select username from users where id = $1";
        let called: String = db.query_one(statement, &[&ana.id().get()]).await.unwrap();
        called == name
    })
    .await;
    assert_eq!(bo.get(&post).await.ok()["comment_count"], 0);
}
