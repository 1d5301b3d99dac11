//! Stories of comments.

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::{ids::PostId, wire::Channel};

use crate::app::testing::{Actor, TestApp};

impl Actor {
    /// `POST {post}/comments`; answers the comment's path.
    async fn comments(&self, post: &str, content: &str) -> String {
        let path = format!("{post}/comments");
        let answer = self.post(&path, &json!({ "content": content })).await;
        assert_eq!(answer.status, 201, "{}", answer.json);
        format!("{path}/{}", answer.json["id"])
    }
}

fn room(post: &str) -> Channel {
    let id: PostId = post.trim_start_matches("/posts/").parse().expect("an id");
    Channel::Post(id)
}

#[tokio::test]
async fn a_comment_is_stored_shown_live_and_told_to_the_author() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let post = ana.posts("hello").await;
    app.ears().join(room(&post)).await;

    bo.comments(&post, "hi, Ana").await;

    let live = app.ears().hear(room(&post), "new_comment").await;
    assert_eq!(live.event.position, None);
    let listed = ana.get(&format!("{post}/comments")).await.ok();
    assert_eq!(live.data(), &listed["items"][0]);
    assert_eq!(listed["items"][0]["content"], "hi, Ana");
    assert_eq!(listed["items"][0]["author"]["username"], "bob");
    let told = ana.hears("notification").await;
    assert_eq!(told.data()["subtype"], "comment");
    assert_eq!(told.data()["message"], "Bob commented on your post");
}

#[tokio::test]
async fn one_s_own_comment_is_no_news() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let post = ana.posts("hello").await;

    ana.comments(&post, "one more thing").await;

    assert_eq!(ana.get(&post).await.ok()["comment_count"], 1);
    assert_eq!(ana.get("/notifications").await.ok()["unread_count"], 0);
}

#[tokio::test]
async fn comments_are_read_page_by_page_the_newest_first() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let post = ana.posts("hello").await;
    for content in ["c1", "c2", "c3", "c4", "c5"] {
        ana.comments(&post, content).await;
    }
    let path = format!("{post}/comments?limit=2");

    let (first, cursor) = ana.reads(&path).await;
    ana.comments(&post, "c6").await;
    let (second, cursor) = ana
        .reads(&format!("{path}&cursor={}", cursor.unwrap()))
        .await;
    let (third, cursor) = ana
        .reads(&format!("{path}&cursor={}", cursor.unwrap()))
        .await;

    assert_eq!(
        [first, second, third].concat(),
        ["c5", "c4", "c3", "c2", "c1"]
    );
    assert_eq!(cursor, None);
}

#[tokio::test]
async fn a_comment_is_deleted_by_its_author_and_by_the_post_s() {
    let app = TestApp::start().await;
    let (ana, bo, eve) = (
        app.user("ana").await,
        app.user("bob").await,
        app.user("eve").await,
    );
    let post = ana.posts("hello").await;
    let own = bo.comments(&post, "mine").await;
    let rude = bo.comments(&post, "rude").await;

    assert_eq!(eve.delete(&own).await.refusal(), (403, "forbidden"));
    assert_eq!(bo.delete(&own).await.status, 204);
    assert_eq!(ana.delete(&rude).await.status, 204);

    assert_eq!(bo.delete(&own).await.refusal(), (404, "not_found"));
    assert_eq!(ana.get(&post).await.ok()["comment_count"], 0);
}

#[tokio::test]
async fn a_comment_is_found_under_its_own_post_only() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let (post, other) = (ana.posts("one").await, ana.posts("two").await);
    let comment = ana.comments(&post, "hi").await;

    let elsewhere = comment.replace(&post, &other);
    assert_eq!(ana.delete(&elsewhere).await.refusal(), (404, "not_found"));
    assert_eq!(
        ana.delete(&format!("{post}/comments/x")).await.refusal(),
        (404, "not_found")
    );
    assert_eq!(ana.get(&post).await.ok()["comment_count"], 1);
}

#[tokio::test]
async fn texts_that_are_no_comments() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let path = format!("{}/comments", ana.posts("hello").await);

    for body in [
        json!({}),
        json!({ "content": "" }),
        json!({ "content": "x".repeat(2_001) }),
        json!({ "content": "\u{0}" }),
        Value::Null,
    ] {
        let answer = ana.post(&path, &body).await;
        assert_eq!(answer.refusal(), (422, "validation_failed"), "{body}");
    }
}

#[tokio::test]
async fn deleting_at_once_is_deleting_once() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let post = ana.posts("hello").await;
    let comment = ana.comments(&post, "hi").await;

    let answers = join_all((0..6).map(|_| ana.delete(&comment))).await;

    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404, 404, 404, 404, 404]);
}

#[tokio::test]
async fn author_and_commenters_hear_that_there_are_new_comments() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.private_user("ana").await, app.user("bob").await);
    let eve = app.user("eve").await;
    let accept = json!({ "action": "accept" });
    for fan in [&bo, &eve] {
        fan.follows(&ana).await;
        let request = format!("/follow/requests/{}", fan.id());
        ana.post(&request, &accept).await.ok();
    }
    let post = ana.posts("hello").await;
    let id: i64 = post.trim_start_matches("/posts/").parse().unwrap();
    eve.comments(&post, "first").await;
    let heard = eve.hears("new_comments_available").await;
    assert_eq!(heard.data(), &json!({ "post_id": id, "count": 1 }));
    assert_eq!(heard.event.position, None);
    // Who may not see the post any more hears nothing of it.
    eve.delete(&format!("/users/{}/follow", ana.id()))
        .await
        .ok();
    bo.comments(&post, "second").await;
    for who in [&ana, &bo] {
        while who.hears("new_comments_available").await.data()["count"] != 2 {}
    }
    assert!(!eve.unheard().contains(&"new_comments_available".to_owned()));
}
