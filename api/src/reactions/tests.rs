//! Stories of reactions.

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::{ids::PostId, wire::Channel};

use crate::app::testing::{Actor, Response, TestApp};

impl Actor {
    /// `PUT {post}/reaction`.
    async fn reacts(&self, post: &str, emoji: &str) -> Response {
        let body = json!({ "emoji": emoji });
        self.put(&format!("{post}/reaction"), &body).await
    }
}

#[tokio::test]
async fn a_reaction_is_set_changed_and_taken_back_and_counts_are_live() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let post = ana.posts("hello").await;
    let id: PostId = post.trim_start_matches("/posts/").parse().unwrap();
    let room = Channel::Post(id);
    app.ears().join(room).await;
    ana.reacts(&post, "❤️").await.ok();
    let state = bo.reacts(&post, "❤️").await.ok();
    assert_eq!(
        state,
        json!({ "my_reaction": "❤️", "reactions": { "❤️": 2 } })
    );
    hears(&app, id, &json!({ "❤️": 2 })).await;
    let state = bo.reacts(&post, "👍").await.ok();
    assert_eq!(state["reactions"], json!({ "❤️": 1, "👍": 1 }));
    hears(&app, id, &json!({ "❤️": 1, "👍": 1 })).await;
    // The same once more is no news.
    bo.reacts(&post, "👍").await.ok();
    let state = bo.delete(&format!("{post}/reaction")).await.ok();
    assert_eq!(
        state,
        json!({ "my_reaction": null, "reactions": { "❤️": 1 } })
    );
    hears(&app, id, &json!({ "❤️": 1 })).await;
}

/// In the room, sooner or later: what happens within a moment is told once.
async fn hears(app: &TestApp, post: PostId, reactions: &Value) {
    loop {
        let live = app.ears().hear(Channel::Post(post), "reaction_count").await;
        assert_eq!(live.event.position, None);
        assert_eq!(live.data()["post_id"], json!(post));
        if live.data()["reactions"] == *reactions {
            return;
        }
    }
}

#[tokio::test]
async fn a_post_shows_its_reactions_and_the_reader_s_own() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let post = ana.posts("hello").await;
    bo.reacts(&post, "👍").await.ok();
    for (reader, own) in [(&ana, Value::Null), (&bo, json!("👍"))] {
        let read = reader.get(&post).await.ok();
        assert_eq!(read["reactions"], json!({ "👍": 1 }));
        assert_eq!(read["my_reaction"], own);
    }
}

#[tokio::test]
async fn reacting_at_once_is_one_reaction_each() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let post = ana.posts("hello").await;
    let answers = join_all((0..10).map(|number| {
        let emoji = if number % 2 == 0 { "👍" } else { "❤️" };
        bo.reacts(&post, emoji)
    }))
    .await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let reactions = ana.get(&post).await.ok()["reactions"].clone();
    let counts: i64 = reactions
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_i64)
        .sum();
    assert_eq!(counts, 1, "{reactions}");
}

#[tokio::test]
async fn what_is_no_emoji_and_posts_that_one_may_not_see_are_refused() {
    let app = TestApp::start().await;
    let (ana, eve) = (app.private_user("ana").await, app.user("eve").await);
    let post = ana.posts("secret").await;
    for emoji in ["", "ok", "👍👍"] {
        assert_eq!(
            ana.reacts(&post, emoji).await.refusal(),
            (422, "validation_failed")
        );
    }
    assert_eq!(eve.reacts(&post, "👍").await.refusal(), (404, "not_found"));
    let taken_back = eve.delete(&format!("{post}/reaction")).await;
    assert_eq!(taken_back.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn reactions_of_people_with_a_block_in_between_are_not_counted_for_each_other() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let eve = app.user("eve").await;
    let post = eve.posts("hello").await;
    ana.reacts(&post, "🎉").await.ok();
    ana.blocks(&bo).await;

    let state = bo.reacts(&post, "🎉").await.ok();

    assert_eq!(state["reactions"], json!({ "🎉": 1 }));
    assert_eq!(state["reactions"], bo.get(&post).await.ok()["reactions"]);
    assert_eq!(eve.get(&post).await.ok()["reactions"], json!({ "🎉": 2 }));
}
