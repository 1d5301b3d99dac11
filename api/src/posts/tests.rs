//! Stories of posts.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::clock::Clock;

use crate::app::testing::{Actor, TestApp};

impl Actor {
    /// `POST /posts`; answers the path of the new post.
    pub(crate) async fn posts(&self, content: &str) -> String {
        let answer = self.post("/posts", &json!({ "content": content })).await;
        assert_eq!(answer.status, 201, "{}", answer.json);
        format!("/posts/{}", answer.json["id"])
    }

    /// Contents of one page of posts, and its cursor.
    pub(crate) async fn reads(&self, path: &str) -> (Vec<String>, Option<String>) {
        let page = self.get(path).await.ok();
        let posts = page["items"].as_array().expect("items").iter();
        let contents = posts.map(|post| post["content"].as_str().expect("a text").to_owned());
        (
            contents.collect(),
            page["next_cursor"].as_str().map(str::to_owned),
        )
    }
}

fn manual_clock() -> Clock {
    Clock::manual(Timestamp::from_second(1_800_000_000).unwrap())
}

#[tokio::test]
async fn a_post_is_written_and_read_with_all_that_a_list_shows() {
    let app = TestApp::start_at(manual_clock(), |_| {}).await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);

    let post = ana.posts("Grüße \u{1F30D}").await;

    let read = bo.get(&post).await.ok();
    let expected = json!({
        "id": read["id"],
        "kind": "post",
        "content": "Grüße \u{1F30D}",
        "attachments": [],
        "group_id": null,
        "author": { "id": ana.id(), "username": "ana", "name": "Ana", "avatar": null },
        "created_at": "2027-01-15T08:00:00.000Z",
        "edited_at": null,
        "like_count": 0,
        "comment_count": 0,
        "liked_by_me": false,
        "reactions": {},
        "my_reaction": null,
    });
    assert_eq!(read, expected);
}

#[tokio::test]
async fn counts_and_likes_are_those_of_the_reader() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let post = ana.posts("hello").await;
    bo.put(&format!("{post}/like"), &Value::Null).await.ok();
    bo.post(&format!("{post}/comments"), &json!({ "content": "hi" }))
        .await
        .ok();

    for (reader, liked) in [(&ana, false), (&bo, true)] {
        let read = reader.get(&post).await.ok();
        assert_eq!(
            (&read["like_count"], &read["comment_count"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(read["liked_by_me"], json!(liked));
    }
}

#[tokio::test]
async fn texts_that_are_no_posts() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;

    for (body, code) in [
        (json!({}), "required"),
        (json!({ "content": "" }), "required"),
        (json!({ "content": " \n\t" }), "required"),
        (json!({ "content": "x".repeat(10_001) }), "too_long"),
        (json!({ "content": "a\u{0}b" }), "nul_character"),
        (json!({ "content": 7 }), "wrong_type"),
        (json!({ "content": null }), "wrong_type"),
    ] {
        let answer = ana.post("/posts", &body).await;
        assert_eq!(answer.refusal(), (422, "validation_failed"), "{body}");
        let error = &answer.json["errors"][0];
        assert_eq!(
            (&error["field"], &error["code"]),
            (&json!("content"), &json!(code)),
            "{body}"
        );
    }
    // The limit counts characters, not bytes.
    ana.posts(&"\u{1F30D}".repeat(10_000)).await;
}

#[tokio::test]
async fn an_author_edits_until_the_window_closes() {
    let clock = manual_clock();
    let app = TestApp::start_at(clock.clone(), |_| {}).await;
    let ana = app.user("ana").await;
    let post = ana.posts("helo").await;

    clock.advance(SignedDuration::from_secs(120));
    let edited = ana.put(&post, &json!({ "content": "hello" })).await.ok();
    assert_eq!(edited["content"], "hello");
    assert_eq!(edited["edited_at"], "2027-01-15T08:02:00.000Z");

    clock.advance(SignedDuration::from_millis(1));
    let late = ana.put(&post, &json!({ "content": "bye" })).await;
    assert_eq!(late.refusal(), (409, "edit_window_closed"));
    assert_eq!(ana.get(&post).await.ok()["content"], "hello");
}

#[tokio::test]
async fn a_deleted_post_is_gone_with_everything_on_it() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let post = ana.posts("oops").await;

    assert_eq!(ana.delete(&post).await.status, 204);

    let hello = json!({ "content": "hello" });
    for who in [&ana, &bo] {
        assert_eq!(who.get(&post).await.refusal(), (404, "not_found"));
        assert_eq!(who.put(&post, &hello).await.refusal(), (404, "not_found"));
        assert_eq!(who.delete(&post).await.refusal(), (404, "not_found"));
        let (like, comments) = (format!("{post}/like"), format!("{post}/comments"));
        assert_eq!(
            who.post(&like, &Value::Null).await.refusal(),
            (404, "not_found")
        );
        assert_eq!(who.get(&comments).await.refusal(), (404, "not_found"));
        assert_eq!(
            who.post(&comments, &hello).await.refusal(),
            (404, "not_found")
        );
        let own = format!("/users/{}/posts", ana.id());
        assert_eq!(who.reads(&own).await.0, [""; 0]);
    }
}

#[tokio::test]
async fn only_the_author_edits_and_deletes() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let post = ana.posts("mine").await;

    let edit = bo.put(&post, &json!({ "content": "yours" })).await;
    assert_eq!(edit.refusal(), (403, "forbidden"));
    assert_eq!(bo.delete(&post).await.refusal(), (403, "forbidden"));
    assert_eq!(ana.get(&post).await.ok()["content"], "mine");
}

#[tokio::test]
async fn a_private_account_s_posts_are_for_accepted_followers() {
    let app = TestApp::start().await;
    let ana = app.private_user("ana").await;
    let (bo, eve) = (app.user("bob").await, app.user("eve").await);
    let post = ana.posts("secret").await;
    let list = format!("/users/{}/posts", ana.id());
    let accept = json!({ "action": "accept" });

    // Neither a stranger nor somebody who has asked.
    bo.follows(&ana).await;
    for who in [&bo, &eve] {
        assert_eq!(who.get(&post).await.refusal(), (404, "not_found"));
        assert_eq!(who.delete(&post).await.refusal(), (404, "not_found"));
        assert_eq!(who.get(&list).await.refusal(), (404, "not_found"));
        let comments = format!("{post}/comments");
        assert_eq!(who.get(&comments).await.refusal(), (404, "not_found"));
        let comment = json!({ "content": "hi" });
        assert_eq!(
            who.post(&comments, &comment).await.refusal(),
            (404, "not_found")
        );
        let like = format!("{post}/like");
        assert_eq!(
            who.post(&like, &Value::Null).await.refusal(),
            (404, "not_found")
        );
        assert_eq!(
            who.put(&like, &Value::Null).await.refusal(),
            (404, "not_found")
        );
        assert_eq!(who.delete(&like).await.refusal(), (404, "not_found"));
    }

    ana.post(&format!("/follow/requests/{}", bo.id()), &accept)
        .await
        .ok();
    assert_eq!(bo.get(&post).await.ok()["content"], "secret");
    assert_eq!(bo.reads(&list).await.0, ["secret"]);
    assert_eq!(ana.reads(&list).await.0, ["secret"]);

    // Who follows no more, sees no more.
    bo.delete(&format!("/users/{}/follow", ana.id())).await.ok();
    assert_eq!(bo.get(&post).await.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn ids_that_name_no_post_are_not_found() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;

    for id in [
        "1",
        "0",
        "-1",
        "x",
        "9007199254740991",
        "9007199254740992",
        "%00",
    ] {
        let answer = ana.get(&format!("/posts/{id}")).await;
        assert_eq!(answer.refusal(), (404, "not_found"), "{id}");
    }
    assert_eq!(
        app.visitor().get("/posts/1").await.refusal(),
        (401, "unauthenticated")
    );
}

#[tokio::test]
async fn attachments_are_urls_and_stay_with_an_edit_that_names_none() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let attachment =
        json!({ "url": "https://example.com/a.png", "media_type": "image/png", "name": "a" });
    let post = json!({ "content": "look", "attachments": [attachment, { "url": "http://example.com/b" }] });
    let written = ana.post("/posts", &post).await.ok();
    assert_eq!(written["attachments"][0], attachment);
    let path = format!("/posts/{}", written["id"]);
    let edited = ana.put(&path, &json!({ "content": "see" })).await.ok();
    assert_eq!(edited["attachments"], written["attachments"]);
    let none = json!({ "content": "see", "attachments": [] });
    assert_eq!(ana.put(&path, &none).await.ok()["attachments"], json!([]));
    let eleven = vec![attachment; 11];
    for (attachments, field, code) in [
        (
            json!([{ "url": "javascript:alert(1)" }]),
            "attachments.0.url",
            "invalid_url",
        ),
        (
            json!([{ "url": format!("https://{}", "x".repeat(2_000)) }]),
            "attachments.0.url",
            "too_long",
        ),
        (json!(eleven), "attachments", "too_many"),
        (json!([{}]), "attachments.0.url", "required"),
    ] {
        let wrong = json!({ "content": "look", "attachments": attachments });
        let refused = ana.post("/posts", &wrong).await;
        assert_eq!(refused.refusal(), (422, "validation_failed"));
        let error = &refused.json["errors"][0];
        assert_eq!(
            (&error["field"], &error["code"]),
            (&json!(field), &json!(code))
        );
    }
}

#[tokio::test]
async fn who_is_mentioned_and_may_see_it_is_told_once() {
    let app = TestApp::start().await;
    let ana = app.private_user("ana").await;
    let (bo, eve) = (app.user("bob").await, app.user("eve").await);
    bo.follows(&ana).await;
    let accept = json!({ "action": "accept" });
    ana.post(&format!("/follow/requests/{}", bo.id()), &accept)
        .await
        .ok();
    let post = ana.posts("@bob and @Bob, not @eve, @ana or @nobody").await;
    loop {
        let told = bo.hears("notification").await;
        if told.data()["subtype"] == "mention" {
            assert_eq!(told.data()["message"], "Ana mentioned you in a post");
            break;
        }
    }
    let comment = json!({ "content": "@ana see @eve, says @bob" });
    bo.post(&format!("{post}/comments"), &comment).await.ok();
    // The author hears of the comment, and not of being mentioned in it.
    let notifications = ana.get("/notifications").await.ok();
    assert_eq!(notifications["items"][0]["type"], "comment");
    let kinds = |page: &Value| page.to_string().matches("\"mention\"").count();
    assert_eq!(kinds(&notifications), 0);
    assert_eq!(kinds(&bo.get("/notifications").await.ok()), 1);
    assert_eq!(kinds(&eve.get("/notifications").await.ok()), 0);
}

#[tokio::test]
async fn a_comment_tells_whom_it_mentions() {
    let app = TestApp::start().await;
    let (ana, bo, eve) = (
        app.user("ana").await,
        app.user("bob").await,
        app.user("eve").await,
    );
    let post = ana.posts("hello").await;
    let comment = json!({ "content": "look, @eve" });
    bo.post(&format!("{post}/comments"), &comment).await.ok();
    let told = eve.hears("notification").await;
    assert_eq!(told.data()["subtype"], "mention");
    assert_eq!(told.data()["message"], "Bob mentioned you in a comment");
}

#[tokio::test]
async fn an_edit_tells_those_whom_it_mentions_now_and_did_not_before() {
    let app = TestApp::start().await;
    let (ana, bob, cleo) = tokio::join!(app.user("ana"), app.user("bob"), app.user("cleo"));
    let post = ana
        .post("/posts", &json!({"content": "with @bob"}))
        .await
        .ok();
    let path = format!("/posts/{}", post["id"]);
    for _ in 0..2 {
        let edited = json!({"content": "with @bob and @cleo"});
        ana.put(&path, &edited).await.ok();
    }
    for who in [&bob, &cleo] {
        let told = who.get("/notifications").await.ok();
        let told = told["items"].as_array().unwrap();
        assert_eq!((told.len(), &told[0]["type"]), (1, &json!("mention")));
    }
}
