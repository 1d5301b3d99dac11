//! Stories of blocks.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::app::testing::{Actor, Response, TestApp};

impl Actor {
    /// `PUT /users/{id}/block`.
    pub(crate) async fn blocks(&self, other: &Actor) {
        let path = format!("/users/{}/block", other.id());
        let answer = self.put(&path, &Value::Null).await.ok();
        assert_eq!(answer, json!({ "blocked": true }));
    }

    async fn unblocks(&self, other: &Actor) {
        let path = format!("/users/{}/block", other.id());
        assert_eq!(self.delete(&path).await.ok(), json!({ "blocked": false }));
    }

    async fn writes(&self, other: &Actor, content: &str) -> Response {
        let message = json!({ "to": other.id(), "content": content });
        self.post("/messages", &message).await
    }

    async fn comments_on(&self, post: &str, content: &str) {
        let comment = json!({ "content": content });
        let path = format!("{post}/comments");
        self.post(&path, &comment).await.ok();
    }
}

const NOT_FOUND: (u16, &str) = (404, "not_found");

#[tokio::test]
async fn a_block_ends_what_was_between_the_two_and_lifting_it_brings_nothing_back() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    ana.befriends(&bob).await;
    ana.follows(&bob).await;
    bob.follows(&ana).await;

    ana.blocks(&bob).await;
    ana.blocks(&bob).await;

    for person in [&ana, &bob] {
        for list in ["followers", "following"] {
            let path = format!("/users/{}/{list}", person.id());
            assert_eq!(person.lists(&path).await.0, [""; 0], "{path}");
        }
        assert_eq!(person.lists("/friends").await.0, [""; 0]);
    }
    assert_eq!(bob.lists("/follow/requests").await.0, [""; 0]);

    ana.unblocks(&bob).await;
    ana.unblocks(&bob).await;
    assert_eq!(ana.lists("/friends").await.0, [""; 0]);
    assert_eq!(ana.asks_to_be_friends(&bob).await, "requested");
    assert_eq!(bob.follows(&ana).await, "following");
}

#[tokio::test]
async fn neither_is_there_for_the_other_whoever_blocks() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let posts = [ana.posts("by ana").await, bob.posts("by bob").await];
    ana.befriends(&bob).await;
    assert_eq!(ana.reads("/feed").await.0, ["by bob", "by ana"]);
    ana.blocks(&bob).await;

    for (me, other, post) in [(&ana, &bob, &posts[1]), (&bob, &ana, &posts[0])] {
        let user = format!("/users/{}", other.id());
        for path in [
            user.clone(),
            format!("{user}/posts"),
            format!("{user}/followers"),
            format!("{user}/following"),
            post.clone(),
            format!("{post}/comments"),
        ] {
            assert_eq!(me.get(&path).await.refusal(), NOT_FOUND, "{path}");
        }
        for path in [
            format!("{user}/follow"),
            format!("{user}/mute"),
            format!("{post}/like"),
        ] {
            let set = me.put(&path, &Value::Null).await;
            assert_eq!(set.refusal(), NOT_FOUND, "{path}");
            assert_eq!(me.delete(&path).await.refusal(), NOT_FOUND, "{path}");
        }
        let request = format!("/friends/request/{}", other.id());
        let asked = me.post(&request, &Value::Null).await;
        assert_eq!(asked.refusal(), NOT_FOUND);
        assert_eq!(me.writes(other, "hi").await.refusal(), NOT_FOUND);
        let found = format!("/search?q={}", other.username());
        assert_eq!(me.lists(&found).await.0, [""; 0]);
        let own = format!("by {}", me.username());
        assert_eq!(me.reads("/feed").await.0, [own]);
    }
}

#[tokio::test]
async fn lists_and_counts_of_third_people_leave_the_other_out() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let eve = app.user("eve").await;
    let post = eve.posts("hello").await;
    for person in [&ana, &bob] {
        person.follows(&eve).await;
        eve.follows(person).await;
        person.put(&format!("{post}/like"), &Value::Null).await.ok();
        person.comments_on(&post, person.username()).await;
    }

    ana.blocks(&bob).await;

    for me in [&ana, &bob] {
        for list in ["followers", "following"] {
            let path = format!("/users/{}/{list}", eve.id());
            assert_eq!(me.lists(&path).await.0, [me.username()], "{path}");
        }
        let (comments, _) = me.reads(&format!("{post}/comments")).await;
        assert_eq!(comments, [me.username()]);
        let view = me.get(&post).await.ok();
        assert_eq!(
            (&view["like_count"], &view["comment_count"]),
            (&json!(1), &json!(1))
        );
        let liked = me.put(&format!("{post}/like"), &Value::Null).await.ok();
        assert_eq!(liked["like_count"], 1);
    }
    let view = eve.get(&post).await.ok();
    assert_eq!(
        (&view["like_count"], &view["comment_count"]),
        (&json!(2), &json!(2))
    );
    let path = format!("/users/{}/followers", eve.id());
    assert_eq!(eve.lists(&path).await.0, ["bob", "ana"]);
}

#[tokio::test]
async fn a_conversation_that_exists_falls_silent_both_ways() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let first = ana.writes(&bob, "before").await.ok();
    bob.blocks(&ana).await;

    for (me, other) in [(&ana, &bob), (&bob, &ana)] {
        assert_eq!(me.writes(other, "after").await.refusal(), NOT_FOUND);
        let message = json!({ "conversation_id": first["conversation_id"], "content": "after" });
        let refused = me.post("/messages", &message).await;
        assert_eq!(refused.refusal(), NOT_FOUND);
    }
    // What was said stays said.
    let history = format!("/conversations/{}/messages", first["conversation_id"]);
    assert_eq!(ana.reads(&history).await.0, ["before"]);

    bob.unblocks(&ana).await;
    ana.writes(&bob, "again").await.ok();
    assert_eq!(bob.reads(&history).await.0, ["before", "again"]);
}

#[tokio::test]
async fn each_has_a_block_of_their_own() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    ana.blocks(&bob).await;
    bob.blocks(&ana).await;
    let bob_seen = format!("/users/{}", bob.id());

    ana.unblocks(&bob).await;
    assert_eq!(ana.get(&bob_seen).await.refusal(), NOT_FOUND);
    bob.unblocks(&ana).await;
    ana.get(&bob_seen).await.ok();
}

#[tokio::test]
async fn nobody_hears_of_a_block_or_of_the_blocked() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    ana.follows(&bob).await;
    bob.hears("notification").await;
    ana.hears("feed_update_available").await;

    bob.blocks(&ana).await;

    let told = bob.get("/notifications").await.ok();
    assert_eq!(
        (&told["items"], &told["unread_count"]),
        (&json!([]), &json!(0))
    );
    bob.unblocks(&ana).await;
    ana.asks_to_be_friends(&bob).await;
    bob.hears("notification").await;
    // That something has changed, and neither what nor by whom.
    let blocked_and_let_go = vec!["access_changed"; 2];
    assert_eq!(ana.unheard(), blocked_and_let_go);
    assert_eq!(bob.unheard(), blocked_and_let_go);
}

#[tokio::test]
async fn what_one_asked_the_other_is_not_asked_any_more() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    ana.follows(&bob).await;
    ana.asks_to_be_friends(&bob).await;
    let told = [
        bob.hears("notification").await,
        bob.hears("notification").await,
    ];

    bob.blocks(&ana).await;
    bob.unblocks(&ana).await;

    for told in told {
        let path = format!("/notifications/{}", told.data()["notification"]["id"]);
        let answer = bob.post(&path, &json!({ "action": "accept" })).await;
        assert_eq!(answer.refusal(), (409, "no_action"));
    }
    assert_eq!(bob.lists("/follow/requests").await.0, [""; 0]);
    assert_eq!(bob.get("/friends/requests").await.ok()["items"], json!([]));
}

#[tokio::test]
async fn who_cannot_be_blocked() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let own = format!("/users/{}/block", ana.id());
    for (path, refusal) in [
        (own.as_str(), (409, "self_not_allowed")),
        ("/users/9000000000/block", NOT_FOUND),
        ("/users/x/block", NOT_FOUND),
    ] {
        let set = ana.put(path, &Value::Null).await;
        assert_eq!(set.refusal(), refusal, "{path}");
        assert_eq!(ana.delete(path).await.refusal(), refusal, "{path}");
    }
    let stranger = app.visitor().post("/users/1/block", &Value::Null).await;
    assert!(matches!(stranger.status, 401 | 405), "{}", stranger.json);
}

#[tokio::test]
async fn whoever_becomes_a_follower_or_a_friend_at_that_moment_is_cut_off_all_the_same() {
    let app = TestApp::start().await;
    let bob = app.user("bob").await;
    for round in 0..5 {
        let ana = app.user(&format!("ana{round}")).await;
        let (follow, friend) = (
            format!("/users/{}/follow", bob.id()),
            format!("/friends/request/{}", bob.id()),
        );
        let follows = join_all((0..3).map(|_| ana.put(&follow, &Value::Null)));
        let requests = join_all((0..3).map(|_| ana.post(&friend, &Value::Null)));
        let (follows, requests, ()) = tokio::join!(follows, requests, bob.blocks(&ana));

        for answer in follows.into_iter().chain(requests) {
            assert!(matches!(answer.status, 200 | 404), "{}", answer.json);
        }
        let path = format!("/users/{}/following", ana.id());
        assert_eq!(ana.lists(&path).await.0, [""; 0]);
        assert_eq!(ana.get("/friends/requests").await.ok()["items"], json!([]));
    }
}

#[tokio::test]
async fn blocking_at_once_from_many_devices_is_blocking_once() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);

    let of_ana = join_all((0..6).map(|_| ana.blocks(&bob)));
    let of_bob = join_all((0..6).map(|_| bob.blocks(&ana)));
    tokio::join!(of_ana, of_bob);

    ana.unblocks(&bob).await;
    bob.unblocks(&ana).await;
    ana.get(&format!("/users/{}", bob.id())).await.ok();
}
