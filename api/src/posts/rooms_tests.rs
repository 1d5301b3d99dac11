//! Stories of a post's live room: who is let in, who may stay, what is told there.

use serde_json::{Value, json};
use shared::{ids::PostId, wire::Channel};

use crate::app::testing::{Actor, TestApp};

fn id(post: &str) -> PostId {
    post.trim_start_matches("/posts/").parse().unwrap()
}

async fn enters(app: &TestApp, who: &Actor, post: &str) -> Value {
    let asked = json!({"user_id": who.id(), "post_id": id(post)});
    app.internal("/rooms/enter", &asked).await.ok()
}

/// The posts that each of them may see, and whom they do not hear.
async fn checked(app: &TestApp, people: &[&Actor], posts: &[&str]) -> Vec<Value> {
    let posts: Vec<PostId> = posts.iter().map(|post| id(post)).collect();
    let viewers = people
        .iter()
        .map(|person| json!({"user_id": person.id(), "posts": posts}));
    let asked = json!({"viewers": viewers.collect::<Vec<_>>()});
    let answer = app.internal("/rooms/check", &asked).await.ok();
    answer["viewers"].as_array().unwrap().clone()
}

#[tokio::test]
async fn who_may_see_a_post_enters_its_room_and_is_told_how_it_stands() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let post = ana.posts("hello").await;
    bob.put(&format!("{post}/like"), &json!({})).await.ok();
    let comment = json!({"content": "hi"});
    bob.post(&format!("{post}/comments"), &comment).await.ok();
    let room = enters(&app, &bob, &post).await["room"].clone();
    assert_eq!(
        room,
        json!({
            "counts": {"post_id": id(&post), "like_count": 1, "comment_count": 1, "reactions": {}},
            "author_id": ana.id(),
            "group_id": null,
            "hidden": [],
        })
    );
    ana.blocks(&bob).await;
    let refused = enters(&app, &bob, &post).await;
    assert_eq!(refused["problem"]["code"], "not_found", "{refused}");
    let entered = enters(&app, &ana, &post).await;
    assert_eq!(entered["room"]["hidden"], json!([bob.id()]));
}

#[tokio::test]
async fn who_is_in_rooms_is_looked_after_in_one_question() {
    let app = TestApp::start().await;
    let (ana, bob, eve) = (
        app.user("ana").await,
        app.user("bob").await,
        app.user("eve").await,
    );
    let (first, second) = (ana.posts("one").await, bob.posts("two").await);
    bob.follows(&ana).await;
    let private = json!({"is_private": true});
    ana.patch("/users/me", &private).await.ok();
    eve.blocks(&bob).await;
    ana.delete(&first).await.ok();
    let third = ana.posts("three").await;
    let posts = [&*first, &*second, &*third];
    let seen = checked(&app, &[&ana, &bob, &eve], &posts).await;
    let sees = |index: usize| {
        let mut posts = seen[index]["posts"].as_array().unwrap().clone();
        posts.sort_by_key(Value::as_i64);
        posts
    };
    let (second, third) = (json!(id(&second)), json!(id(&third)));
    assert_eq!(sees(0), [second.clone(), third.clone()]);
    assert_eq!(sees(1), [second, third]);
    assert_eq!(sees(2), [Value::Null; 0]);
    assert_eq!(seen[2]["hidden"], json!([bob.id()]));
}

#[tokio::test]
async fn counts_are_told_live_and_folded() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let post = ana.posts("hello").await;
    let room = Channel::Post(id(&post));
    app.ears().join(room).await;
    let like = format!("{post}/like");
    for _ in 0..20 {
        bob.post(&like, &json!({})).await.ok();
    }
    ana.put(&like, &json!({})).await.ok();
    let mut frames = 0;
    loop {
        let heard = app.ears().hear(room, "like_count").await;
        assert_eq!(heard.event.position, None);
        assert_eq!(heard.data()["post_id"], json!(id(&post)));
        frames += 1;
        if heard.data()["like_count"] == 1 && frames > 0 {
            break;
        }
    }
    let comment = json!({"content": "hi"});
    let written = bob.post(&format!("{post}/comments"), &comment).await.ok();
    app.ears().hear(room, "new_comment").await;
    let heard = app.ears().hear(room, "comment_count").await;
    assert_eq!(heard.data()["comment_count"], 1);
    let comment = format!("{post}/comments/{}", written["id"]);
    bob.delete(&comment).await.ok();
    let heard = app.ears().hear(room, "comment_count").await;
    assert_eq!(heard.data()["comment_count"], 0);
}

#[tokio::test]
async fn gateways_are_told_of_what_is_taken_and_people_of_no_names() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let post = ana.posts("hello").await;
    app.ears().join(Channel::Post(id(&post))).await;
    app.ears().join(Channel::Broadcast).await;

    ana.blocks(&bob).await;
    for person in [&ana, &bob] {
        let heard = person.hears("access_changed").await;
        assert!(heard.event.control);
        assert_eq!(heard.data(), &json!({}));
    }
    // Once more changes nothing, and so is no news.
    ana.blocks(&bob).await;
    let path = format!("/users/{}/block", bob.id());
    ana.delete(&path).await.ok();
    bob.hears("access_changed").await;
    bob.follows(&ana).await;
    bob.delete(&format!("/users/{}/follow", ana.id()))
        .await
        .ok();
    bob.hears("access_changed").await;
    bob.befriends(&ana).await;
    bob.delete(&format!("/friends/{}", ana.id())).await.ok();
    bob.hears("access_changed").await;
    let unheard = bob.unheard();
    assert!(
        !unheard.contains(&"access_changed".to_owned()),
        "{unheard:?}"
    );

    for is_private in [true, true, false, true] {
        let change = json!({ "is_private": is_private });
        ana.patch("/users/me", &change).await.ok();
    }
    for _ in 0..2 {
        let heard = app.ears().hear(Channel::Broadcast, "account_changed").await;
        assert!(heard.event.control && heard.event.position.is_none());
        assert_eq!(heard.data(), &json!({"user_id": ana.id()}));
    }
    ana.delete(&post).await.ok();
    let heard = app
        .ears()
        .hear(Channel::Post(id(&post)), "post_deleted")
        .await;
    assert!(heard.event.control);
    // Besides, that there is a new post.
    let unheard = app.ears().unheard(Channel::Broadcast);
    assert!(
        !unheard.contains(&"account_changed".to_owned()),
        "{unheard:?}"
    );
}
